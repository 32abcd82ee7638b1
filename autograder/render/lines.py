"""The lines of an exercise as every face shows them: what says the same is said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from autograder.judging.summary import folded, in_words, looks_like, off_as
from autograder.judging.wording import follows_from

Check: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One or more checks of a view with one message."""

    name: str
    checks: Sequence[Check]

    @property
    def passed(self) -> bool:
        return bool(self.checks[0]["passed"])

    @property
    def message(self) -> str:
        return str(self._telling["message"])

    @property
    def _telling(self) -> Check:
        """The check that says most: of a public case all may be said."""
        return next((check for check in self.checks if _fails_publicly(check)), self.checks[0])

    @property
    def score(self) -> float:
        return sum(float(check["score"]) for check in self.checks)

    @property
    def max_score(self) -> float:
        return sum(float(check["max_score"]) for check in self.checks)

    @property
    def curves(self) -> list[dict[str, Any]]:
        return [curve for check in self.checks for curve in check.get("curves", [])]

    @property
    def where(self) -> dict[str, Any] | None:
        """Where the tensor is wrong that the message is about, if it may be seen."""
        for case in self._telling["cases"]:
            if where := case.get("evidence", {}).get("where"):
                return dict(where)
        return None


def all_of(checks: Sequence[Check]) -> str:
    """All checks of an exercise, in words."""
    return f"all {len(checks)} checks" if len(checks) > 1 else "the one check"


def lines(exercise: dict[str, Any]) -> list[Line]:
    """What fails for one cause is one line, and so are neighbours with one message; what passed is
    one line per check."""
    checks = exercise["checks"]
    if _one_reason(checks):
        return [Line(all_of(checks), sorted(checks, key=_waits))]

    def kin(check: Check) -> tuple[str, ...]:
        return (check["message"] or check["name"].rpartition(": ")[0], str(check["passed"]))

    groups: list[list[Check]] = []
    by_cause: dict[str, list[Check]] = {}
    for check in checks:
        cause = check.get("cause", "")
        if cause in by_cause:
            by_cause[cause].append(check)
            continue
        if groups and kin(groups[-1][-1]) == kin(check):
            groups[-1].append(check)
        else:
            groups.append([check])
        if cause:
            by_cause[cause] = groups[-1]
    return [Line(folded(check["name"] for check in group), group) for group in groups]


def summary(exercise: dict[str, Any]) -> str:
    """What is right and what is off, and what it looks like; empty when all is right, or when one
    reason says it all."""
    checks = exercise["checks"]
    if all_right(exercise) or _one_reason(checks):
        return ""
    own = [check for check in checks if "follows" not in check and not _waits(check)]
    words = [in_words((check["name"], check["passed"]) for check in own)] if own else []
    by_cause: dict[tuple[str, ...], list[str]] = {}
    for check in checks:
        if "follows" in check:
            by_cause.setdefault(tuple(check["follows"]), []).append(check["name"])
    for names, lines in by_cause.items():
        words.append(off_as(names, lines))
    known = {follows_from(names) for names in by_cause}
    outputs = {check["name"].rpartition(": ")[2] for check in checks}
    told = (exercise["name"], *(f"{output}-" for output in outputs))
    named = [
        d["name"]
        for d in exercise["diagnosis"]
        if d["name"] not in known and not d["name"].startswith(told)
    ]
    return " ".join([*words, looks_like(named)] if named else words)


def hints(exercise: dict[str, Any]) -> list[dict[str, str]]:
    """The diagnoses, but for those that say what the message of a line says."""
    messages = [line.message for line in lines(exercise)]

    def is_said(hint: str) -> bool:
        told = hint.partition(": ")[2].removesuffix(".")
        return bool(told) and any(told in message for message in messages)

    return [one for one in exercise["diagnosis"] if not is_said(one["hint"])]


def all_right(exercise: dict[str, Any]) -> bool:
    """Whether every check passed and counts: an error that costs nothing is one nevertheless."""
    passed = all(check["passed"] for check in exercise["checks"])
    return passed and exercise["score"] >= exercise["max_score"]


def _one_reason(checks: Sequence[Check]) -> bool:
    """Whether every check failed with one message, apart from those that only wait for others."""
    return (
        len(checks) > 1
        and not any(check["passed"] for check in checks)
        and len({check["message"] for check in checks if not _waits(check)}) == 1
    )


def _fails_publicly(check: Check) -> bool:
    return any(case["public"] and not case["passed"] for case in check["cases"])


def _waits(check: Check) -> bool:
    """Whether all is right with it and it only counts once others have passed."""
    return not check["passed"] and all(case["passed"] for case in check["cases"])
