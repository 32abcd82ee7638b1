"""Which submissions were graded by exercises that have changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.grading import regrades
from server.storage import changes
from server.storage.config import ConfigError
from server.storage.models import Assignment, Course, Submission
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


def versions(session: Session, course: Course, assignments: Sequence[Assignment]) -> Versions:
    try:
        digests = {a.id: services().engine.digest(a.topic) for a in assignments}
    except (ConfigError, KeyError) as error:
        return Versions(problem=str(error.args[0]))
    found = []
    counts = _counts(session, course, digests)
    for assignment in assignments:
        if count := counts[assignment.id]:
            regrade = regrades.open_regrade(session, assignment)
            found.append(Older(assignment, count, None if regrade is None else regrade.id))
    return Versions(found)


def _counts(session: Session, course: Course, digests: Mapping[int, str]) -> dict[int, int]:
    """How many submissions another version has graded, by assignment; `digests` are of this one."""

    def count(id_: int) -> int:
        graded = Submission.assignment_id == id_, regrades.older(digests[id_])
        query = select(func.count()).select_from(Submission).where(*graded)
        return session.scalar(query) or 0

    numbers = {
        id_: [*number, digests[id_]]
        for id_, number in changes.numbers(session, course.id, digests.keys()).items()
    }
    return services().kept.each(
        session, "older", numbers, lambda ids: {id_: count(id_) for id_ in ids}
    )
