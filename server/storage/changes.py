"""How often something has changed of what the figures about a class follow from.

A number rises for an assignment, for a course and with it for all of its assignments, or for the
names of people, in each transaction that changes such a row. What was worked out while the numbers
stood as they stand is still true: whoever keeps it looks at the numbers in the same view of the
database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session

from server.storage import sums
from server.storage.models import Assignment, Base, Enrolment, Grade, Meter, Submission, User

_CHANGED, _NAMES = "changed", "names"
# An exercise's scores and misconceptions follow from a submission's report, and none that is graded
# is without one. Being claimed, or how far its grader is, changes none of these.
_OF_A_SUBMISSION = ("score", "report", "reference", "received_at", "user_id")


class Counting(Session):
    """A session whose commit counts what it has changed, with all other sums."""


def numbers(
    session: Session, course: int, assignments: Collection[int]
) -> Mapping[int, tuple[float, ...]]:
    """By assignment: what stands while nothing has changed."""
    labels = {_assignment(id_): id_ for id_ in assignments}
    query = select(Meter.label, Meter.value).where(
        Meter.name == _CHANGED, Meter.label.in_([_NAMES, _course(course), *labels])
    )
    found = dict(session.execute(query).all())
    of_all = found.get(_NAMES, 0.0), found.get(_course(course), 0.0)
    return {id_: (*of_all, found.get(label, 0.0)) for label, id_ in labels.items()}


@event.listens_for(Counting, "after_flush")
def _note(session: Session, _context: object) -> None:
    noted = session.info.setdefault(_CHANGED, set())
    for row in chain(session.new, session.deleted):
        noted.update(_label(row))
    for row in session.dirty:
        if isinstance(row, User):
            if inspect(row).attrs.name.history.has_changes():
                noted.add(_NAMES)
        elif session.is_modified(row) and not _says_how_far(row):
            noted.update(_label(row))


@event.listens_for(Counting, "before_commit")
def _count(session: Session) -> None:
    session.flush()
    noted = session.info.pop(_CHANGED, None)
    sums.add(session, *((_CHANGED, label, 1) for label in noted or ()))
    sums.write(session)


def _label(row: Base) -> Iterator[str]:
    if isinstance(row, Grade | Submission):
        yield _assignment(row.assignment_id)
    elif isinstance(row, Assignment):
        yield _assignment(row.id)
    elif isinstance(row, Enrolment):
        yield _course(row.course_id)


def _says_how_far(row: Base) -> bool:
    if not isinstance(row, Submission):
        return False
    attributes = inspect(row).attrs
    return not any(attributes[name].history.has_changes() for name in _OF_A_SUBMISSION)


def _assignment(id_: int) -> str:
    return f"assignment {id_}"


def _course(id_: int) -> str:
    return f"course {id_}"
