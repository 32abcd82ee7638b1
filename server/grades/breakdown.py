"""How a grade came about, step by step, for whoever reads it. `server.grades.grades` decides it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.grades.grades import worth_of
from server.language import N_, _, ngettext, number, points
from server.storage.models import Adjustment, Assignment, Counts, Grade

WHICH_COUNTS = {
    Counts.BEST: N_("the best one"),
    Counts.LAST: N_("the last one"),
    Counts.LAST_BEFORE_DUE: N_("the last one before the deadline"),
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
                _(
                    "Attempt %(number)s, of %(points)s",
                    number=counting.number,
                    points=points(assignment.automatic_points),
                ),
                full,
            )
        )
        beyond = max(0, grade.late_days - grade.free_days)
        lost = worth_of(assignment, score, most, beyond) - full
        if lost or grade.free_days:
            steps.append(Step(_late(assignment, grade, beyond), lost))
    if grade.by_hand is not None:
        what = _("Marked by hand, of %(points)s", points=points(assignment.hand_points))
        if grade.unmarked:
            what = _("%(what)s, %(count)s still to be marked", what=what, count=grade.unmarked)
        steps.append(Step(what, grade.by_hand))
    steps += [Step(given.reason, given.points) for given in adjustments]
    missing = round(grade.points - sum(step.points for step in steps), 6)
    if missing > 0:
        steps.append(Step(_("No grade is below zero"), missing))
    return steps


def _late(assignment: Assignment, grade: Grade, beyond: int) -> str:
    said = [ngettext("%(num)s day late", "%(num)s days late", grade.late_days)]
    percent = number(assignment.late_penalty)
    if grade.free_days:
        said.append(ngettext("%(num)s free day used", "%(num)s free days used", grade.free_days))
        if beyond:
            less = _("%(percent)s %% less for each of %(count)s", percent=percent, count=beyond)
            said.append(less)
    else:
        said.append(_("%(percent)s %% less for each", percent=percent))
    return ", ".join(said)
