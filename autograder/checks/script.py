"""Scripts: what a teacher does with objects, written once, run with the solution's classes to learn
what is right, and put to a submission call by call.

    def linear_layer(new, x, weight, bias, grad_y):
        layer = new(Linear, 6, 4)
        layer.W, layer.b = weight, bias
        yield "y", layer.forward(x)
        yield "grad_x", layer.backward(grad_y)
        yield "grad_weight", layer.dLdW

The first parameter calls what the topic defines: `new(Linear, 6, 4)`, `new(affine_forward, x, w)`,
`new(Linear.forward, x, w)`. What it gives stays where it was made; a method, an attribute or an
operator on it is one more call. `new.keep(x)` puts a value there, to be changed by what follows.
What is yielded under one name again and again is one output, step by step.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from autograder.case import Arguments
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Held, Value
from autograder.judging.local import LocalSession, Steps
from autograder.judging.operations import operation
from autograder.judging.script import STEP
from autograder.judging.travel import untravelled
from autograder.judging.tree import leaves, mapped

Script = Callable[..., Iterator[tuple[str, Any]]]


def is_script(function: Any) -> bool:
    """Whether a check's function is a script: it yields."""
    return inspect.isgeneratorfunction(function)


def yields(script: Script) -> list[str]:
    """The names under which a script yields something, as they stand in its source."""
    nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(script))))
    pairs = [n.value for n in nodes if isinstance(n, ast.Yield) and isinstance(n.value, ast.Tuple)]
    return [str(p.elts[0].value) for p in pairs if isinstance(p.elts[0], ast.Constant)]


@dataclass(frozen=True)
class Program:
    """The calls that a script makes, and which of them gives which output."""

    calls: tuple[Call, ...]
    outputs: Mapping[str, int]
    failed: Answer | None = None  # of the last call, where the solution refuses it

    @property
    def names(self) -> list[str]:
        """Of what is yielded, each once."""
        return list(dict.fromkeys(name.partition(STEP)[0] for name in self.outputs))


def record(
    script: Script, arguments: Arguments, reference: LocalSession, seeds: Callable[[str], int]
) -> Program:
    """Run a script with the reference, and note its calls.

    Args:
        seeds: the seed of each call, by a name for it.

    Raises:
        AuthoringError: it does with an object what cannot be asked of a submission, or yields
            something that is none.
    """
    recording = _Recording(reference, seeds)
    outputs: dict[str, int] = {}
    try:
        for name, value in numbered(_pairs(script(New(recording), **arguments))):
            outputs[name] = recording.read(name, value)
    except _Refused as refused:
        return Program(recording.program(), outputs, refused.answer)
    except TypeError as error:
        if Kept.__name__ not in str(error):
            raise
        raise AuthoringError(
            f"a script cannot compute with what a submission gives: yield it ({error})"
        ) from error
    return Program(recording.program(), outputs)


def _pairs(yielded: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for pair in yielded:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)):
            raise AuthoringError('a script yields a name and what is to be judged: yield "y", y')
        yield pair


def numbered(yielded: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What comes under a name for the second time is of step 2."""
    seen: Counter[str] = Counter()
    for name, value in yielded:
        seen[name] += 1
        yield f"{name}{STEP}{seen[name]}" if seen[name] > 1 else name, value


def run_plainly(script: Script, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a script yields when it is run as it stands, on copies of its arguments."""

    class Plain:
        def __call__(self, what: Any, *args: Any, **named: Any) -> Any:
            return what(*args, **named)

        def keep(self, value: Any) -> Any:
            return value

        def load(self, module: Any, tensors: dict[str, Any]) -> None:
            self._do("@load")(module, tensors)

        def tensors(self, module: Any, *names: str) -> Any:
            return self._do("@tensors")(module, *names)

        def gradients(self, module: Any) -> Any:
            return self._do("@gradients")(module)

        def _do(self, name: str) -> Callable[..., Any]:
            found = operation(name, lambda _: None)
            assert found is not None  # noqa: S101 - it is one of ours
            return found

    copies = {name: mapped(_copied, value) for name, value in arguments.items()}
    yielded = numbered(script(Plain(), **copies))
    return {name: mapped(_copied, value) for name, value in yielded}


def _copied(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        return leaf.detach().clone()
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Recording:
    def __init__(self, reference: LocalSession, seeds: Callable[[str], int]) -> None:
        self._reference = reference
        self._steps = Steps(reference)
        self._seeds = seeds
        self._calls: list[Call] = []
        self._last_use: dict[int, int] = {}

    def do(self, function: str, arguments: Mapping[str, Any], positional: int) -> Kept:
        """Make a call, and give the object that stands for what it gave."""
        number = len(self._calls)
        values = {name: self._sent(value, number) for name, value in arguments.items()}
        seed = self._seeds(f"call {number}")
        # While recording, everything is held: how long it must be is known at the end.
        call = Call(function, values, positional, seed, held=2**31, silent=True)
        self._calls.append(call)
        answer = self._steps.take(call)
        if answer.failure is not None:
            raise _Refused(answer)
        return Kept(self, number)

    def defined(self, name: str) -> Any:
        """What the reference has under a name."""
        return operation(name, self._reference.find)

    def real(self, number: int) -> Any:
        """What the reference gave there."""
        return self._steps.object(number)

    def read(self, name: str, value: Any) -> int:
        """The call that gives this value as it is now."""
        if not any(isinstance(leaf, Kept) for _, leaf in leaves(value)):
            raise AuthoringError(
                f"the script's {name} is nothing that a submission gave: what is judged comes of "
                "new(...), or of a value that new.keep(...) put there"
            )
        number = _number(value) if isinstance(value, Kept) else -1
        if number != len(self._calls) - 1:
            number = _number(self.do("@keep", {"value": value}, 1))
        self._calls[number] = replace(self._calls[number], silent=False)
        return number

    def program(self) -> tuple[Call, ...]:
        """The calls, each held as long as it is of use."""
        return tuple(
            replace(call, held=max(0, self._last_use.get(number, number) - number))
            for number, call in enumerate(self._calls)
        )

    def _sent(self, value: Any, number: int) -> Value:
        if isinstance(value, Kept):
            at = _number(value)
            self._last_use[at] = number
            return Held(number - at)
        if isinstance(value, tuple | list):
            return type(value)(self._sent(item, number) for item in value)
        if isinstance(value, dict):
            return {key: self._sent(item, number) for key, item in value.items()}
        why = untravelled(value)
        if why:
            raise AuthoringError(f"what a script hands to a call{why}")
        return value  # type: ignore[no-any-return]


class New:
    """A script's first argument: calls what the topic defines."""

    def __init__(self, recording: _Recording) -> None:
        self._recording = recording

    def __call__(self, what: Any, *args: Any, **named: Any) -> Any:
        """Make an object of a class, or call a function; either may be a member of a class."""
        name = getattr(what, "__qualname__", "")
        if not name or "<" in name:
            raise AuthoringError(f"{what!r} is no class or function that a topic can define")
        if self._recording.defined(name) != what:
            raise AuthoringError(f"{name} of {what.__module__} is not the topic's")
        return _call(self._recording, name, what, (), args, named)

    def keep(self, value: Any) -> Any:
        """Put a value there: what follows meets it as it is after each call."""
        return self._recording.do("@keep", {"value": value}, 1)

    def load(self, module: Any, tensors: Any) -> None:
        """Put tensors into a module's parameters and buffers, by name; the module takes on their
        type. Which names or shapes are not these is told to the student."""
        self._recording.do("@load", {"module": module, "tensors": tensors}, 2)

    def tensors(self, module: Any, *names: str) -> Any:
        """A module's parameters and buffers as they are now, by name: these, or all that it has."""
        wanted = {f"name {at}": name for at, name in enumerate(names)}
        return self._recording.do("@tensors", {"module": module, **wanted}, 1 + len(names))

    def gradients(self, module: Any) -> Any:
        """The gradients of a module's parameters, by name; None where there is none."""
        return self._recording.do("@gradients", {"module": module}, 1)


def _call(
    recording: _Recording,
    name: str,
    real: Any,
    owner: tuple[Any, ...],
    args: tuple[Any, ...],
    named: dict[str, Any],
) -> Any:
    """Arguments under their names, as far as the signature tells them."""
    given = (*owner, *args)
    try:
        parameters = list(inspect.signature(real).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = ["self", "method"][: len(owner)] + [p.name for p in parameters if p.kind is plain]
    labels = [
        names[at] if at < len(names) and names[at] not in named else f"argument {at}"
        for at in range(len(given))
    ]
    arguments = dict(zip(labels, given, strict=True)) | named
    return recording.do(name, arguments, len(given))


class Kept:
    """Stands for an object that is kept where it was made."""

    __slots__ = ("_at",)

    def __init__(self, recording: _Recording, number: int) -> None:
        object.__setattr__(self, "_at", (recording, number))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        recording, real = _recording(self), _real(self)
        member = getattr(real, name, None)
        if member is not None and inspect.isroutine(member):
            if isinstance(real, torch.Tensor | np.ndarray | dict | list | tuple):

                def call(*args: Any, **named: Any) -> Any:
                    return _call(recording, "@method", None, (self, name), args, named)
            else:

                def call(*args: Any, **named: Any) -> Any:
                    return _call(recording, f".{name}", member, (self,), args, named)

            return call
        return recording.do("@getattr", {"object": self, "name": name}, 2)

    def __setattr__(self, name: str, value: Any) -> None:
        arguments = {"object": self, "name": name, "value": value}
        _recording(self).do("@setattr", arguments, 3)

    def __call__(self, *args: Any, **named: Any) -> Any:
        real = _real(self)
        forward = getattr(real, "forward", real)  # a module's, whose __call__ takes anything
        return _call(_recording(self), ".__call__", forward, (self,), args, named)

    def __iter__(self) -> Iterator[Any]:
        real = _real(self)
        if not isinstance(real, tuple | list):
            raise AuthoringError(
                f"a script can neither go through a {type(real).__name__} that a submission gives "
                "nor compute with it: yield it"
            )
        count = len(real)
        for at in range(count):
            yield _recording(self).do("@unpack", {"value": self, "count": count, "at": at}, 3)

    def __len__(self) -> int:
        return len(_real(self))

    def __bool__(self) -> bool:
        raise AuthoringError("a script cannot decide by what a submission gives: yield it")

    def __float__(self) -> float:
        raise AuthoringError("a script cannot compute with what a submission gives: yield it")

    __int__ = __index__ = __float__


def _recording(kept: Kept) -> _Recording:
    return kept._at[0]  # type: ignore[no-any-return]


def _number(kept: Kept) -> int:
    return kept._at[1]  # type: ignore[no-any-return]


def _real(kept: Kept) -> Any:
    return _recording(kept).real(_number(kept))


def _operator(name: str, reflected: bool) -> Callable[..., Any]:
    def apply(self: Kept, *others: Any) -> Any:
        given = (*others, self) if reflected else (self, *others)
        arguments = {f"argument {at}": value for at, value in enumerate(given)}
        return _recording(self).do(f"@{name}", arguments, len(given))

    return apply


for _name in ("add", "sub", "mul", "truediv", "matmul", "pow"):
    setattr(Kept, f"__{_name}__", _operator(_name, False))
    setattr(Kept, f"__r{_name}__", _operator(_name, True))
for _name in ("neg", "abs", "getitem", "setitem", "lt", "le", "gt", "ge"):
    setattr(Kept, f"__{_name}__", _operator(_name, False))
