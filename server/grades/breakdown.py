"""How a grade came about, step by step, for whoever reads it. `server.grades.grades` decides it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.grades.grades import worth_of
from server.storage.models import Adjustment, Assignment, Counts, Grade

WHICH_COUNTS = {
    Counts.BEST: "the best one",
    Counts.LAST: "the last one",
    Counts.LAST_BEFORE_DUE: "the last one before the deadline",
}


@dataclass(frozen=True)
class Step:
    what: str
    points: float


def breakdown(
    assignment: Assignment, grade: Grade, adjustments: Iterable[Adjustment]
) -> list[Step]:
    """The steps, which add up to the grade's points; none where it has none.

    Args:
        grade: with the submission that counts, if one does.
        adjustments: the student's, all of them.
    """
    if grade.points is None:
        return []
    steps = []
    counting = grade.submission
    if counting is not None:
        score, most = counting.score or 0.0, counting.max_score or 0.0
        full = worth_of(assignment, score, most, 0)
        steps.append(
            Step(
                f"Attempt {counting.number}, of {assignment.automatic_points:g} points",
                full,
            )
        )
        beyond = max(0, grade.late_days - grade.free_days)
        lost = worth_of(assignment, score, most, beyond) - full
        if lost or grade.free_days:
            steps.append(Step(_late(assignment, grade, beyond), lost))
    if grade.by_hand is not None:
        left = f", {grade.unmarked} still to be marked" if grade.unmarked else ""
        what = f"Marked by hand, of {assignment.hand_points:g} points{left}"
        steps.append(Step(what, grade.by_hand))
    steps += [Step(given.reason, given.points) for given in adjustments]
    missing = round(grade.points - sum(step.points for step in steps), 6)
    if missing > 0:
        steps.append(Step("No grade is below zero", missing))
    return steps


def _late(assignment: Assignment, grade: Grade, beyond: int) -> str:
    days = f"{grade.late_days} day{'' if grade.late_days == 1 else 's'} late"
    less = f"{assignment.late_penalty:g} % less for each"
    if not grade.free_days:
        return f"{days}, {less}"
    free = f"{grade.free_days} free day{'' if grade.free_days == 1 else 's'} used"
    return f"{days}, {free}{f', {less} of {beyond}' if beyond else ''}"
