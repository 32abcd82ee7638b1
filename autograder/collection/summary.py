"""A class in numbers: how points are spread, which exercises are hard, who misunderstood what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from autograder.collection.results import Result


@dataclass(frozen=True)
class Step:
    """How many students have that share of the points."""

    label: str
    count: int


@dataclass(frozen=True)
class ExerciseSummary:
    name: str
    max_score: float
    mean: float  # points
    full: int  # students with full marks
    none: int  # students without any points


@dataclass(frozen=True)
class MisconceptionSummary:
    exercise: str
    name: str
    hint: str
    students: tuple[Result, ...]


@dataclass(frozen=True)
class Summary:
    """What `results` come to; students without a result are not in it."""

    title: str
    worth: float
    results: tuple[Result, ...]
    unplaced: tuple[str, ...] = ()
    exercises: tuple[ExerciseSummary, ...] = ()
    misconceptions: tuple[MisconceptionSummary, ...] = ()
    distribution: tuple[Step, ...] = ()
    pairs: tuple[str, ...] = field(default=())

    @property
    def scores(self) -> list[float]:
        return [result.score for result in self.results if result.score is not None]

    @property
    def mean(self) -> float | None:
        return fmean(self.scores) if self.scores else None

    @property
    def median(self) -> float | None:
        return median(self.scores) if self.scores else None

    @property
    def failures(self) -> tuple[Result, ...]:
        """Who has no report, because of a file or because of us."""
        return tuple(result for result in self.results if result.report is None)


def summarise(
    title: str,
    worth: float,
    results: Sequence[Result],
    unplaced: Sequence[str] = (),
    pairs: Sequence[str] = (),
) -> Summary:
    scores = [result.score for result in results if result.score is not None]
    return Summary(
        title,
        worth,
        tuple(results),
        tuple(unplaced),
        _exercises(results),
        _misconceptions(results),
        _distribution(scores, worth),
        tuple(pairs),
    )


def _distribution(scores: Sequence[float], worth: float) -> tuple[Step, ...]:
    """By tenths of the points; full marks stand apart."""
    counts = [0] * 11
    for score in scores:
        counts[10 if score >= worth else min(int(10 * score / worth), 9) if worth else 10] += 1
    labels = [f"{10 * tenth} to {10 * tenth + 10} %" for tenth in range(10)]
    return tuple(map(Step, [*labels, "full marks"], counts))


def _exercises(results: Sequence[Result]) -> tuple[ExerciseSummary, ...]:
    scores: dict[str, list[float]] = defaultdict(list)
    worth: dict[str, float] = {}
    for result in results:
        for exercise in result.report["exercises"] if result.report else ():
            scores[exercise["name"]].append(exercise["score"])
            worth[exercise["name"]] = exercise["max_score"]
    return tuple(
        ExerciseSummary(
            name,
            worth[name],
            fmean(points),
            sum(score >= worth[name] for score in points),
            sum(score <= 0 for score in points),
        )
        for name, points in scores.items()
    )


def _misconceptions(results: Sequence[Result]) -> tuple[MisconceptionSummary, ...]:
    """The most frequent first."""
    who: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        for (exercise, name), hint in result.misconceptions.items():
            who[exercise, name, hint].append(result)
    ordered = sorted(who.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(MisconceptionSummary(*key, tuple(students)) for key, students in ordered)
