"""A training run as a list of calls, each of which takes what earlier ones gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from torch import Tensor

from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Ref, Value, ordered

# The two things that a run is judged by: what the losses depend on, and what only evaluation shows.
Row: TypeAlias = Literal["training", "evaluation"]
TRAINING: Row = "training"
EVALUATION: Row = "evaluation"
ROWS = (TRAINING, EVALUATION)

MOST_STAGES = 25  # that a run tells of its steps to who waits


@dataclass(frozen=True)
class Output:
    """One thing that a call gives: where it stands in the answer, and which row it counts for."""

    name: str
    item: int | str | None
    row: Row

    def of(self, answer: Answer) -> Value:
        if isinstance(self.item, str):
            return answer.arguments.get(self.item)
        if self.item is None:
            return answer.value
        fits = isinstance(answer.value, tuple) and self.item < len(answer.value)
        return answer.value[self.item] if fits else None  # type: ignore[index]


@dataclass(frozen=True)
class OwnMask:
    """Judge an output by the mask that came with it: it must be what this function makes of x."""

    function: str
    p: float


@dataclass(frozen=True)
class Operation:
    """A call and its place in the run."""

    call: Call
    step: int  # from 0; the number of steps for what comes after the last one
    where: str  # the layer, or what else makes the call
    outputs: tuple[Output, ...]
    own_mask: OwnMask | None = None

    def values(self, answer: Answer) -> list[Any]:
        """The values of all outputs."""
        return [output.of(answer) for output in self.outputs]


@dataclass(frozen=True)
class Program:
    """A whole run. `losses` and `predictions` are the places of their calls."""

    operations: tuple[Operation, ...]
    steps: int
    losses: tuple[int, ...]
    predictions: int
    targets: Tensor  # what the predictions should be

    @property
    def calls(self) -> list[Call]:
        return [operation.call for operation in self.operations]

    def stage(self, call: int) -> str:
        """What begins with the call of that number: a step, or nothing."""
        step = self.operations[call].step
        if call and self.operations[call - 1].step == step:
            return ""
        if step == self.steps:
            return "evaluation"
        often = step % -(-self.steps // MOST_STAGES) == 0
        return f"step {step} of {self.steps}" if often else ""


def joined(programs: Sequence[Program]) -> list[Call]:
    """The calls of several runs, one after the other."""
    calls: list[Call] = []
    for program in programs:
        before = len(calls)
        for call in program.calls:
            arguments = {
                name: replace(value, call=value.call + before) if isinstance(value, Ref) else value
                for name, value in call.arguments.items()
            }
            calls.append(replace(call, arguments=arguments))
    return calls


@dataclass
class Unit:
    """A layer at its place in a network, with the present values of its tensors."""

    label: str
    settings: Mapping[str, Value]
    parameters: tuple[str, ...]
    state: tuple[str, ...]
    values: dict[str, Value]
    given: Mapping[str, Value] = field(default_factory=dict)  # what its forward received last
    gradients: Mapping[str, Ref] = field(default_factory=dict)


class Tape:
    """Writes calls down, their arguments in the order of the function's signature."""

    def __init__(
        self, parameters: Callable[[str], Sequence[str]], seed: Callable[[str], int]
    ) -> None:
        self._parameters = parameters
        self.seed = seed
        self.step = 0
        self.operations: list[Operation] = []

    def parameters(self, function: str) -> Sequence[str]:
        """The names of a function's parameters, in order."""
        return self._parameters(function)

    def call(
        self,
        function: str,
        given: Mapping[str, Value],
        returns: tuple[str, ...],
        updates: tuple[str, ...] = (),
        *,
        where: str,
        row: Row = TRAINING,
        own_mask: OwnMask | None = None,
    ) -> int:
        """Write a call down, with those of the given values that the function takes; return its
        place. What it updates in place counts for the evaluation."""
        call = ordered(function, self.parameters(function), given)
        single = len(returns) == 1
        outputs = (
            *(Output(name, None if single else item, row) for item, name in enumerate(returns)),
            *(Output(name, name, EVALUATION) for name in updates),
        )
        self.operations.append(Operation(call, self.step, where, outputs, own_mask))
        return len(self.operations) - 1


def require(names: Sequence[str], accepted: Sequence[str], function: str) -> None:
    """Raises AuthoringError when the function does not take one of the names."""
    unknown = sorted(set(names) - set(accepted))
    if unknown:
        raise AuthoringError(f"{function} takes no {', '.join(unknown)}")
