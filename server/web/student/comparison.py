"""What changed between the reports of two attempts."""

from __future__ import annotations

from dataclasses import dataclass

from server.engine import Report


@dataclass(frozen=True)
class Mark:
    score: float
    max_score: float
    passed: bool


@dataclass(frozen=True)
class Change:
    """A check whose result differs; None where that report has no such check."""

    exercise: str
    check: str
    before: Mark | None
    after: Mark | None

    @property
    def gained(self) -> bool:
        return _score(self.after) > _score(self.before)

    @property
    def lost(self) -> bool:
        return _score(self.after) < _score(self.before)


def changes(before: Report, after: Report) -> list[Change]:
    """The checks whose results differ, in the order of the later report."""
    old, new = _marks(before), _marks(after)
    return [
        Change(*place, old.get(place), new.get(place))
        for place in [*new, *(place for place in old if place not in new)]
        if old.get(place) != new.get(place)
    ]


def hints(report: Report) -> dict[tuple[str, str], str]:
    """What each diagnosis in the report says, by exercise and misconception."""
    return {
        (exercise["name"], entry["name"]): entry["hint"]
        for exercise in report["exercises"]
        for entry in exercise["diagnosis"]
    }


def _marks(report: Report) -> dict[tuple[str, str], Mark]:
    return {
        (exercise["name"], check["name"]): Mark(check["score"], check["max_score"], check["passed"])
        for exercise in report["exercises"]
        for check in exercise["checks"]
    }


def _score(mark: Mark | None) -> float:
    return 0.0 if mark is None else mark.score
