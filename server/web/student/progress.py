"""How far a student is in each exercise, and what an attempt changed: in the assignment's
points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import bindparam, select

from server.grades.grades import share_of
from server.language import N_
from server.storage.models import Assignment, ExerciseScore, State, Submission
from server.web.services import services

_DECIMALS = 2
_SCORES = (
    select(ExerciseScore)
    .where(ExerciseScore.submission_id.in_(bindparam("submissions", expanding=True)))
    .order_by(ExerciseScore.submission_id, ExerciseScore.position)
)


@dataclass(frozen=True)
class Mark:
    """Of an exercise in one attempt."""

    score: float
    max_score: float

    @property
    def state(self) -> str:
        if self.score >= self.max_score:
            return N_("right")
        return N_("partly right") if self.score > 0 else N_("not right yet")


Marks = Mapping[str, Mark]  # by the exercise's name


@dataclass(frozen=True)
class Change:
    exercise: str
    points: float


@dataclass(frozen=True)
class Difference:
    """What a graded attempt changed against the graded one before it."""

    points: float
    exercises: tuple[Change, ...]


def marks(assignment: Assignment, history: Sequence[Submission]) -> Mapping[int, Marks]:
    """Of each graded attempt, by its id."""
    graded = {s.id: s for s in history if s.state is State.GRADED and s.max_score}
    found: defaultdict[int, dict[str, Mark]] = defaultdict(dict)
    with services().database.read() as session:
        for row in session.scalars(_SCORES, {"submissions": list(graded)}):
            factor = assignment.automatic_points / (graded[row.submission_id].max_score or 1.0)
            found[row.submission_id][row.exercise] = Mark(
                round(row.score * factor, _DECIMALS), round(row.max_score * factor, _DECIMALS)
            )
    return found


def differences(
    assignment: Assignment, history: Sequence[Submission], marks: Mapping[int, Marks]
) -> dict[int, Difference]:
    """By the id of each graded attempt that has a graded one before it.

    Args:
        history: the newest first.
    """
    graded = [s for s in history if s.id in marks]
    return {
        after.id: Difference(
            round(assignment.automatic_points * (_share(after) - _share(before)), _DECIMALS),
            _changes(marks[before.id], marks[after.id]),
        )
        for after, before in pairwise(graded)
    }


def _changes(before: Marks, after: Marks) -> tuple[Change, ...]:
    changes = [
        Change(name, round(mark.score - before[name].score, _DECIMALS))
        for name, mark in after.items()
        if name in before
    ]
    return tuple(change for change in changes if change.points)


def _share(submission: Submission) -> float:
    return share_of(submission.score, submission.max_score)
