"""Which submissions were graded by exercises that have changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.grading import regrades
from server.storage.config import ConfigError
from server.storage.models import Assignment, Submission
from server.web.services import services


@dataclass(frozen=True)
class Older:
    """What an older version of an assignment's exercises has graded."""

    assignment: Assignment
    count: int
    regrade: int | None  # one that is open already


@dataclass(frozen=True)
class Versions:
    older: Sequence[Older] = ()
    problem: str = ""  # why the exercises cannot be loaded as they are now

    @property
    def count(self) -> int:
        return sum(one.count for one in self.older)


def is_older(submission: Submission) -> bool:
    """Whether the exercises have changed since it was graded, as far as they can be loaded."""
    try:
        now = services().engine.digest(submission.assignment.topic)
    except (ConfigError, KeyError):
        return False
    return submission.reference not in (None, now)


def versions(session: Session, assignments: Sequence[Assignment]) -> Versions:
    found = []
    for assignment in assignments:
        try:
            now = services().engine.digest(assignment.topic)
        except (ConfigError, KeyError) as error:
            return Versions(problem=str(error.args[0]))
        count = session.scalar(
            select(func.count())
            .select_from(Submission)
            .where(Submission.assignment_id == assignment.id, regrades.older(now))
        )
        if count:
            regrade = regrades.open_regrade(session, assignment)
            found.append(Older(assignment, count, None if regrade is None else regrade.id))
    return Versions(found)
