"""What every kind of check shares."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from autograder.exercise import Arguments, AuthoringError, Case, cast
from autograder.judging.call import Answer, Call, Session
from autograder.judging.finding import Finding


class Expectation(Protocol):
    """What the answers to the calls of one case should be; judged without the reference."""

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]: ...


class SeedSource(Protocol):
    """Seeds for one case, by purpose: the same purpose gives the same seed."""

    def __call__(self, purpose: str) -> int: ...


@dataclass(frozen=True)
class Judged:
    """The answers to the calls of one case, and what was found in them."""

    answers: Sequence[Answer]
    findings: Sequence[Finding]


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

    @property
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
        self,
        calls: Sequence[Call],
        expectation: Expectation,
        seen: Judged,
        suspect: Judged,
    ) -> Mapping[str, bool]:
        """Per output, whether the seen answers are those that a suspected solution gives."""
        return {
            a.output: a.problem == b.problem
            and all(a.evidence.get(key) == b.evidence.get(key) for key in ("kind", "exception"))
            for a, b in zip(seen.findings, suspect.findings, strict=True)
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
