"""A call of a student's function and its answer, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from torch import Tensor

from .tree import leaves


@dataclass(frozen=True)
class Seed:
    """An argument that arrives as `torch.Generator(device).manual_seed(value)`."""

    value: int


@dataclass(frozen=True)
class Foreign:
    """A returned object that is no value of a call: the name of its type."""

    type_name: str


@dataclass(frozen=True)
class Ref:
    """An argument that is what an earlier call of the same run gave: a number, or a tensor, in
    another `shape` if one is named.

    Without an `item` it is the returned value; with a number, what stands there in a returned
    tuple; with a name, that argument as it stood after the call.
    """

    call: int  # its place in the run, from 0
    item: int | str | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Held:
    """An argument that is the very object that an earlier call of the same run gave: it stays where
    it was made, and need be no value. `back` is how many calls ago: 1 is the one before."""

    back: int


Array: TypeAlias = np.ndarray[Any, Any]
Value: TypeAlias = (
    "Tensor | Array | Seed | Foreign | Ref | Held | bool | int | float | str | tuple[Value, ...]"
    " | list[Value] | dict[str, Value] | None"
)
FailureKind = Literal[
    "missing",  # no such function in the submission
    "signature",  # the function does not take the contract's arguments
    "unwritten",  # NotImplementedError: still the stub
    "exception",  # the function raised
    "timeout",  # it took longer than the call may take
    "memory",  # it wanted more memory than a session may have
    "device",  # what it did on the GPU left that unusable for its process
    "crash",  # its process ended: os._exit, segmentation fault, a denied system call
    "reply",  # its process answered with something that is no answer
    "budget",  # the whole submission's time is used up
    "input",  # an earlier call did not give what this one takes
    "unjudged",  # what it gave takes longer to judge than a submission may take
]


@dataclass(frozen=True, eq=False)
class Call:
    """One call: the first `positional` arguments go by position, the others by name. Nothing of it
    may change, the numbers in its tensors included.

    `function` is the name of a function or class, of a member of one ("Linear.forward"), of a
    method of the first argument (".forward"), or of an operation ("@add": see `operations`).
    """

    function: str
    arguments: Mapping[str, Value]
    positional: int
    seed: int = 0  # of torch's, numpy's and Python's global generators, set before the call
    traced: bool = False  # whether the answer shall name the operators that were dispatched
    held: int = 0  # for how many more calls what it gives is kept, for arguments that are `Held`
    silent: bool = False  # whether what it gives stays where it is, and only failures are told

    @cached_property
    def refs(self) -> tuple[tuple[str, Ref], ...]:
        """The arguments that earlier calls give, by name."""
        return tuple((name, v) for name, v in self.arguments.items() if isinstance(v, Ref))


@dataclass(frozen=True)
class Failure:
    """Why a call gave no value. `message` is text from the submission's side: never trust it."""

    kind: FailureKind
    message: str = ""
    exception: str = ""  # the exception's nearest built-in class, such as "ValueError"
    line: int = 0  # of the submission's file, 0 when unknown


@dataclass(frozen=True)
class Answer:
    """What one call gave.

    `arguments` are the arguments as they stand after the call, so that functions that work in
    place can be graded and a forbidden mutation is seen. `seconds` is the caller's clock.
    """

    value: Value = None
    arguments: Mapping[str, Value] = field(default_factory=dict)
    failure: Failure | None = None
    seconds: float = 0.0
    output: str = ""  # what the call printed, capped
    size: int = 0  # bytes of the tensors that came with the answer
    operators: tuple[str, ...] = ()  # of a traced call, as its worker says


def ordered(
    function: str, parameters: Sequence[str], given: Mapping[str, Value], seed: int = 0
) -> Call:
    """A call with arguments in the signature's order: by position as far as none is left out."""
    present = {name: given[name] for name in parameters if name in given}
    positional = next(
        (at for at, name in enumerate(parameters) if name not in given), len(parameters)
    )
    return Call(function, present, positional, seed)


def reaches_back(calls: Sequence[Call], at: int) -> bool:
    """Whether a call from that place on takes an object of a call before it."""
    return any(
        isinstance(leaf, Held) and number - leaf.back < at
        for number, call in enumerate(calls[at:], at)
        for value in call.arguments.values()
        for _, leaf in leaves(value)
    )


class Session(Protocol):
    """Whatever answers calls: the sandbox's handle, or plain functions in this process."""

    def call(self, call: Call) -> Answer: ...

    def run(self, calls: Sequence[Call]) -> Iterator[Answer]: ...


class Results:
    """What the calls of a run gave so far, each kept until the last call that refers to it."""

    def __init__(self, calls: Sequence[Call]) -> None:
        last = {ref.call: at for at, call in enumerate(calls) for _, ref in call.refs}
        self._kept: dict[int, Answer] = {}
        self._until: dict[int, list[int]] = {}  # by the last call that refers to them
        for call, user in last.items():
            self._until.setdefault(user, []).append(call)
        self._wanted = frozenset(last)
        self._count = 0

    def __len__(self) -> int:
        """How many calls are answered."""
        return self._count

    @property
    def size(self) -> int:
        """Bytes of the answers that are kept."""
        return sum(answer.size for answer in self._kept.values())

    def add(self, answer: Answer) -> None:
        """Take the answer to the next call."""
        if self._count in self._wanted:
            self._kept[self._count] = answer
        for call in self._until.pop(self._count, ()):
            self._kept.pop(call, None)
        self._count += 1

    def follow(self, ref: Ref) -> Tensor | float | None:
        """What an answered call gave there; None when it gave no such value."""
        return _follow(ref, self._kept[ref.call])

    def resolve(self, call: Call) -> Call | None:
        """The call with the values that it refers to, as far as their calls are answered; None
        when one of these gave no such value."""
        arguments: dict[str, Value] = {}
        for name, ref in call.refs:
            if ref.call < self._count:
                found = self.follow(ref)
                if found is None:
                    return None
                arguments[name] = found
        if not arguments:
            return call
        return replace(call, arguments={**call.arguments, **arguments})


def _follow(ref: Ref, answer: Answer) -> Tensor | float | None:
    if isinstance(ref.item, str):
        value = answer.arguments.get(ref.item)
    else:
        value = answer.value
        if ref.item is not None:
            if not isinstance(value, tuple) or ref.item >= len(value):
                return None
            value = value[ref.item]
    if isinstance(value, Tensor):
        if ref.shape is None:
            return value
        return value.reshape(ref.shape) if value.numel() == math.prod(ref.shape) else None
    is_number = type(value) in {int, float} and ref.shape is None
    return value if is_number else None  # type: ignore[return-value]
