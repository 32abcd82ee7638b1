"""What every kind of check shares."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from autograder.errors import AuthoringError
from autograder.exercise import Arguments, Case, cast
from autograder.judging.call import Answer, Call, Failure, Session
from autograder.judging.finding import Finding


class Expectation(Protocol):
    """What the answers to the calls of one case should be; judged without the reference."""

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]: ...


@dataclass(frozen=True)
class Outcome:
    """The answers to the calls of one case, and what was found about them."""

    answers: tuple[Answer, ...]
    findings: Mapping[str, Finding]  # by output
    unchanged: Finding

    def without_values(self) -> Outcome:
        """The same findings about answers that are no longer kept."""
        gone = Failure("reply", "too large to be kept")
        answers = (replace(a, value=None, arguments={}, failure=gone) for a in self.answers)
        return replace(self, answers=tuple(answers))


class SeedSource(Protocol):
    """Seeds for one case, by purpose: the same purpose gives the same seed."""

    def __call__(self, purpose: str) -> int: ...


@dataclass(frozen=True)
class Check(ABC):
    """One kind of evidence about one function, over cases; `points` are per output.

    `gated`: passing takes no working solution (refusing bad input, say), so it counts only when
    another check of the exercise, one that does, has earned something.
    """

    kind: ClassVar[str]
    gated: ClassVar[bool] = False

    function: Callable[..., Any]
    cases: tuple[Case, ...]
    points: Mapping[str, float]
    name: str
    dtype: torch.dtype = torch.float64

    def __post_init__(self) -> None:
        names = [case.name for case in self.cases]
        if len(set(names)) < len(names):
            raise AuthoringError(f"{self.name}: two cases have one name")
        if not names:
            raise AuthoringError(f"{self.name}: a check needs at least one case")
        if min(self.points.values(), default=0) <= 0:
            raise AuthoringError(
                f"{self.name}: every output needs points, or its bugs cost nothing"
            )
        parameters = inspect.signature(self.function).parameters
        for case in self.cases:
            unknown = set(case.arguments) - set(parameters)
            if unknown:
                raise AuthoringError(
                    f"{self.name}, case {case.name!r}: {self.function.__name__} takes no "
                    f"{', '.join(sorted(unknown))}"
                )

    @cached_property
    def updates(self) -> frozenset[str]:
        """The outputs that are arguments: what the function may change in place."""
        return frozenset(self.points) & set(inspect.signature(self.function).parameters)

    @abstractmethod
    def calls(self, arguments: Arguments, seeds: SeedSource) -> list[Call]:
        """The calls to make for a case whose arguments were drawn."""

    @abstractmethod
    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> Expectation:
        """What the reference says about them."""

    def resembles(
        self, expectation: Expectation, seen: Outcome, suspected: Outcome
    ) -> Mapping[str, bool]:
        """Per output, whether what was seen is what a suspected solution gives."""
        return {
            output: finding.problem == suspected.findings[output].problem
            and all(
                finding.evidence.get(key) == suspected.findings[output].evidence.get(key)
                for key in ("kind", "exception")
            )
            for output, finding in seen.findings.items()
        }

    def _call(self, arguments: Arguments, seed: int) -> Call:
        """Arguments in the signature's order: by position as far as none is left out."""
        order = list(inspect.signature(self.function).parameters)
        present = [name for name in order if name in arguments]
        positional = next(
            (at for at, name in enumerate(order) if name not in arguments), len(order)
        )
        ordered = {name: in_precision(arguments[name], self.dtype) for name in present}
        return Call(self.function.__name__, ordered, positional, seed)


def in_precision(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != dtype:
        return cast(value, dtype)
    return value


def call_in_precision(call: Call, dtype: torch.dtype) -> Call:
    arguments = {name: in_precision(value, dtype) for name, value in call.arguments.items()}
    return Call(call.function, arguments, call.positional, call.seed)
