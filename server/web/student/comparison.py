"""What changed between two attempts: in the reports by check, in the code by line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.handin.submission import Source, Submission
from server.engine import Report

# Comparing lines takes longer than it takes to read them: beyond that many it is not tried.
MAX_LINES = 4000
_AROUND = 3  # unchanged lines shown around a change


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


@dataclass(frozen=True)
class Line:
    kind: str  # "added", "removed", "same", or "place": where in the file the next lines stand
    text: str


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


def code_changes(before: Submission, after: Submission) -> dict[str, list[Line]] | None:
    """The changed lines of each module that differs; None when there is too much to compare."""
    old, new = ({source.module: _text(source) for source in s.sources} for s in (before, after))
    if len(old) == len(new) == 1:  # a file that only has another name
        old = dict(zip(new, old.values(), strict=True))
    differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    pairs = {name: (old.get(name, []), new.get(name, [])) for name in differing}
    if sum(len(lines) for pair in pairs.values() for lines in pair) > MAX_LINES:
        return None
    return {name: list(_lines(*pair)) for name, pair in pairs.items()}


def _lines(before: list[str], after: list[str]) -> Iterator[Line]:
    kinds = {"+": "added", "-": "removed", " ": "same"}
    diff = difflib.unified_diff(before, after, lineterm="", n=_AROUND)
    for line in list(diff)[2:]:  # without the two file names
        if line.startswith("@@"):
            yield Line("place", line.strip("@ "))
        else:
            yield Line(kinds[line[0]], line[1:])


def _text(source: Source) -> list[str]:
    return "\n\n".join(source.chunks).split("\n")


def _marks(report: Report) -> dict[tuple[str, str], Mark]:
    return {
        (exercise["name"], check["name"]): Mark(check["score"], check["max_score"], check["passed"])
        for exercise in report["exercises"]
        for check in exercise["checks"]
    }


def _score(mark: Mark | None) -> float:
    return 0.0 if mark is None else mark.score
