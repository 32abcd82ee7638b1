"""The lines of a report: one per output of each check, over all its cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from autograder.checks.base import Check
from autograder.checks.errors import REFUSAL
from autograder.checks.speed import TIME
from autograder.exercise import Exercise
from autograder.grading.follow_ons import LEFT_UNCHANGED, FollowOn, Graded, Line
from autograder.judging.finding import Finding
from autograder.judging.selfcheck import UNCHANGED, of_arguments, worded
from autograder.judging.where import located
from autograder.judging.wording import explain, follows, hint_at
from autograder.numerics.outcome import Outcome
from autograder.truth.trial import Trial

ALONE = {"curve", "metric", "speed"}  # kinds of checks of which each says something of its own
SAME_IN_EVERY_CASE = {"missing", "unwritten", "budget", "unjudged"}


@dataclass(frozen=True)
class Row:
    """One line of a report: one output of one check, over all its cases."""

    name: str
    kind: str
    points: float
    findings: Sequence[tuple[Trial, Finding]]
    gated: bool = False
    settled: bool = True
    curves: Sequence[dict[str, Any]] = ()
    follow_on: FollowOn | None = None
    cost: float = 0.0  # the share of its points that a follow-on loses

    @cached_property
    def failing(self) -> list[tuple[Trial, Finding]]:
        return [(trial, finding) for trial, finding in self.shown if not finding.passed]

    @cached_property
    def shown(self) -> list[tuple[Trial, Finding]]:
        """The findings; the first that fails, which the message tells of, says where."""
        shown = list(self.findings)
        for at, (trial, finding) in enumerate(shown):
            if not finding.passed:
                shown[at] = trial, located(finding)
                break
        return shown

    @property
    def passed(self) -> bool:
        return self.settled and not self.failing

    @property
    def earned(self) -> float:
        if self.passed:
            return self.points
        right = self.settled and self.follow_on is not None and self.follow_on.right
        return self.points * (1 - self.cost) if right else self.points * self._share

    @property
    def _share(self) -> float:
        """Of the points, where every answer is right and the slowest case only too slow."""
        findings = [finding for _, finding in self.failing]
        if any(finding.problem != "slow" for finding in findings):
            return 0.0
        return min((float(f.evidence["share"]) for f in findings), default=0.0)

    def document(self) -> dict[str, Any]:
        document = {
            "name": self.name,
            "kind": self.kind,
            "score": points_of(self.earned),
            "max_score": points_of(self.points),
            "passed": self.passed,
            "message": self._message(reveal=True),
            "student_message": self._message(reveal=False),
            "cases": [
                {
                    "name": trial.case.name,
                    "public": trial.case.public,
                    "passed": finding.passed,
                    "problem": finding.problem,
                    "message": explain(finding),
                    "evidence": _finite(finding.evidence),
                }
                for trial, finding in self.shown
            ],
        }
        if self.follow_on is not None:
            document["follows"] = list(self.follow_on.beneath)
        elif cause := self._cause:
            document["cause"] = cause
        return document | ({"curves": _finite(self.curves)} if self.curves else {})

    @property
    def _worst(self) -> tuple[Trial, Finding]:
        """The first that fails, or of times the slowest."""
        wrong = [found for found in self.failing if found[1].problem != "slow"]
        slow = sorted(self.failing, key=lambda found: -found[1].evidence.get("ratio", 0.0))
        return (wrong or slow)[0]

    @property
    def _cause(self) -> str:
        """What other rows share that fail for the same reason; empty where nothing is known."""
        if not self.failing or self.kind in ALONE:
            return ""
        finding = self._worst[1]
        e = finding.evidence
        if finding.problem == "failure":
            return " ".join(str(e[key]) for key in ("kind", "exception", "line") if e.get(key))
        settled = finding.problem != "unsettled"
        return f"{finding.output}: {finding.problem}" if settled else finding.problem

    def _message(self, *, reveal: bool) -> str:
        if self.passed:
            return ""
        if not self.failing:
            return hint_at(Finding(self.name, "unsettled"))
        if self.follow_on is not None:
            return follows(self.follow_on.beneath, self.follow_on.right, self.cost)
        # Public cases come first: what can be said in full is more use than a hint.
        trial, finding = self._worst
        if finding.problem == "failure" and finding.evidence["kind"] in SAME_IN_EVERY_CASE:
            return explain(finding)
        if finding.problem == "unsettled":
            return explain(finding)
        if finding.problem == "slow":
            return explain(finding) if reveal else hint_at(finding)
        count = f"{len(self.failing)} of {len(self.findings)} cases"
        if trial.case.public or reveal:
            return f"{explain(finding)} (case {trial.case.name!r}; {count} fail)"
        return f"{hint_at(finding)} ({count} fail, hidden ones)"


def timed_rows(
    exercise: Exercise, trials: Sequence[Trial], outcomes: Sequence[Outcome]
) -> list[Row]:
    """One row per check of speed."""
    found = list(zip(trials, outcomes, strict=True))
    return [
        Row(
            _row_name(check, output),
            check.kind,
            points,
            [(trial, outcome.findings[output]) for trial, outcome in found if trial.check is check],
        )
        for check in exercise.checks
        if check.timed
        for output, points in check.points.items()
    ]


def judge(graded: Graded, follow_ons: Mapping[Line, FollowOn]) -> list[Row]:
    """One row per output of each check, and one for leaving arguments unchanged."""
    exercise = graded.exercise
    rows: dict[tuple[str, str], list[tuple[Trial, Finding]]] = {}
    curves: dict[tuple[str, str], list[dict[str, Any]]] = {}
    mutations: list[tuple[Trial, Finding]] = []
    answered = True  # who gives no answer has not shown to leave arguments alone
    for trial, outcome in zip(graded.trials, graded.outcomes, strict=True):
        for output, finding in outcome.findings.items():
            place = trial.check.name, output
            rows.setdefault(place, []).append((trial, finding))
            curves.setdefault(place, []).extend(outcome.curves.get(output, ()))
        if trial.check.gated:
            continue
        if outcome.unchanged.problem == "failure":
            answered = False
        else:
            mutations.append((trial, outcome.unchanged))
    judged = [
        Row(
            _row_name(check, output),
            check.kind,
            points,
            rows[check.name, output],
            check.gated,
            curves=curves[check.name, output],
            follow_on=follow_ons.get((check.name, output)),
            cost=exercise.follow_on,
        )
        for check in exercise.checks
        if not check.timed
        for output, points in check.points.items()
    ]
    if exercise.unchanged:
        row = Row(
            UNCHANGED,
            "mutation",
            exercise.unchanged,
            mutations,
            True,
            settled=answered,
            follow_on=follow_ons.get(LEFT_UNCHANGED),
            cost=exercise.follow_on,
        )
        judged.append(row)
    worked = any(row.earned and not row.gated for row in judged)
    return [row if worked or not row.gated else replace(row, settled=False) for row in judged]


def _row_name(check: Check, output: str) -> str:
    return check.name if output in {REFUSAL, TIME} else f"{check.name}: {output}"


def public_lines(
    exercise: Exercise, outcomes: Sequence[tuple[Trial, Outcome]], failed: Sequence[str]
) -> list[dict[str, str]]:
    """What the public cases say, as the self-check does: a name for each output of each check that
    has one, with what is wrong first, or an empty message.

    Args:
        failed: what went wrong when the functions were loaded.
    """
    found: dict[str, list[tuple[Trial, Finding]]] = {}
    for trial, outcome in outcomes:
        for output, finding in outcome.findings.items():
            found.setdefault(_row_name(trial.check, output), []).append((trial, finding))
    if exercise.unchanged:
        told = [(t, of_arguments(o.unchanged)) for t, o in outcomes if not t.check.gated]
        found[UNCHANGED] = sorted(told, key=lambda pair: pair[1].problem == "unsettled")
    messages = {
        name: (worded(found, t.case.name, failed) for t, found in cases if not found.passed)
        for name, cases in found.items()
        if cases
    }
    return [{"name": name, "message": next(said, "")} for name, said in messages.items()]


def points_of(value: float) -> float:
    return round(value, 6)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: such numbers become their names."""
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
