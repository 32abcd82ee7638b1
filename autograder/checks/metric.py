"""Training code of the students' own: what they trained is measured on hidden data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from autograder.case import Arguments, Case
from autograder.checks.base import Check, Keep, SeedSource
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Ref, Value, ordered
from autograder.judging.compare import failed
from autograder.judging.finding import Finding
from autograder.judging.local import LocalSession
from autograder.numerics.expectation import in_precision
from autograder.numerics.outcome import Outcome

Measure = Callable[[Value, Arguments], float]


@dataclass(frozen=True)
class Level:
    """What must be reached in one case."""

    output: str
    arguments: Arguments
    measure: Measure
    at_least: float

    def judge(self, answers: Iterable[Answer]) -> Outcome:
        given = tuple(answers)
        wrong = next((answer for answer in given if answer.failure is not None), None)
        if wrong is not None:
            finding = failed(self.output, wrong)
        else:
            reached = self.reached(given[-1])
            evidence = {"measured": reached, "at_least": self.at_least}
            good = reached is not None and reached >= self.at_least
            finding = Finding(self.output, "" if good else "metric", evidence)
        light = tuple(replace(answer, value=None, arguments={}) for answer in given)
        return Outcome(light, {self.output: finding}, Finding("unchanged"))

    def reached(self, answer: Answer) -> float | None:
        """The measure of what was returned; None when it cannot be measured."""
        try:
            return float(self.measure(answer.value, self.arguments))
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            return None  # of another type or shape than the measure takes


@dataclass(frozen=True)
class MetricCheck(Check):
    """What a function makes of hidden data must be good enough, however it was trained."""

    kind: ClassVar[str] = "metric"
    long: ClassVar[bool] = True
    updates: ClassVar[frozenset[str]] = frozenset()

    function: Callable[..., Any]
    fit: Callable[..., Any] | None
    cases: tuple[Case, ...]
    points: Mapping[str, float]
    name: str
    measure: Measure = field(kw_only=True)
    at_least: float = field(kw_only=True)
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        self._validate()

    @property
    def subject(self) -> str:
        return self.function.__name__

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(f.__name__ for f in (self.function, self.fit) if f is not None)

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Level]:
        given = {name: in_precision(value, self.dtype) for name, value in arguments.items()}
        calls: list[Call] = []
        parameters = list(inspect.signature(self.function).parameters)
        if self.fit is not None:
            order = list(inspect.signature(self.fit).parameters)
            calls.append(ordered(self.fit.__name__, order, given, seeds("fit")))
            given = {**given, parameters[0]: Ref(0)}
        calls.append(ordered(self.function.__name__, parameters, given, seeds("call")))
        (output,) = self.points
        level = Level(output, given, self.measure, self.at_least)
        if not level.judge(reference.run(calls)).findings[output].passed:
            raise AuthoringError(
                f"{self.name}, case {case.name!r}: the solution itself does not reach "
                f"{self.at_least:g}"
            )
        return calls, level

    def judge(
        self, expectation: Level, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        return expectation.judge(answers)


def metric(
    function: Callable[..., Any],
    cases: Iterable[Case],
    points: Mapping[str, float],
    *,
    measure: Measure,
    at_least: float,
    fit: Callable[..., Any] | None = None,
    name: str = "",
) -> MetricCheck:
    """Check training code by what comes out of it, in float32.

    Args:
        function: what is measured, such as `predict(images)`, or `predict(weights, images)`.
        cases: arguments of `fit` and `function` by their names. What neither of them takes, such as
            the right classes, stays with the grader.
        points: for the one thing that is measured, under its name: `{"accuracy": 5}`.
        measure: from what `function` returned and the case's arguments to a number.
        at_least: what it must reach. The solution must reach it too.
        fit: the students' own training, called first; the tensor that it returns becomes the first
            argument of `function`. Without it, `function` uses what was trained before handing in.
    """
    name = name or f"{function.__name__} on hidden data"
    return MetricCheck(
        function, fit, tuple(cases), dict(points), name, measure=measure, at_least=at_least
    )
