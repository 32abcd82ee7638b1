"""A call of a student's function and its answer, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from torch import Tensor


@dataclass(frozen=True)
class Seed:
    """An argument that arrives as `torch.Generator(device).manual_seed(value)`."""

    value: int


@dataclass(frozen=True)
class Foreign:
    """A returned object that is no value of a call: the name of its type."""

    type_name: str


Value: TypeAlias = "Tensor | Seed | Foreign | bool | int | float | str | tuple[Value, ...] | None"
FailureKind = Literal[
    "missing",  # no such function in the submission
    "signature",  # the function does not take the contract's arguments
    "unwritten",  # NotImplementedError: still the stub
    "exception",  # the function raised
    "timeout",  # it took longer than the call may take
    "memory",  # it wanted more memory than a session may have
    "crash",  # its process ended: os._exit, segmentation fault, a denied system call
    "reply",  # its process answered with something that is no answer
    "budget",  # the whole submission's time is used up
]


@dataclass(frozen=True)
class Call:
    """One call: the first `positional` arguments go by position, the others by name."""

    function: str
    arguments: Mapping[str, Value]
    positional: int
    seed: int = 0  # of torch's, numpy's and Python's global generators, set before the call


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


class Session(Protocol):
    """Whatever answers calls: the sandbox's handle, or plain functions in this process."""

    def call(self, call: Call) -> Answer: ...
