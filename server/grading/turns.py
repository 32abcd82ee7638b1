"""Who is graded next: courses take turns, in each its students, and each student has the newest
graded first.

`Course.turn` is the round in which a course was last graded. Of those that have something due, one
that has not been in the latest round comes first: a large class keeps no small one waiting.

What waits in a course is ordered by (turn, place). A student's first waiting submission joins the
round that is being graded, the second the round after it, and so on; within a round the order is
that of arrival. One that supersedes another takes over its slot: handing in again costs no waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, bindparam, case, func, select, tuple_
from sqlalchemy.orm import Session, aliased, joinedload

from server.grading import due
from server.storage.models import Assignment, Course, State, Submission, Work

WITH_COURSE = joinedload(Submission.assignment, innerjoin=True).joinedload(
    Assignment.course, innerjoin=True
)


def queue_up(
    session: Session, submission: Submission, superseded: Sequence[Submission] = ()
) -> None:
    """Give a submission, a new one before it is stored, its slot, and the student's waiting ones
    theirs, the newest first."""
    session.flush()
    others = session.scalars(
        select(Submission)
        .where(
            Submission.user_id == submission.user_id,
            Submission.state == State.WAITING,
            Submission.id != submission.id,
        )
        .order_by(Submission.id.desc())
    ).all()
    slots = [(row.turn, row.place) for row in (*others, *superseded)]
    if not superseded:
        slots.append(_last(session, submission))
    for row, (turn, place) in zip((submission, *others), sorted(slots), strict=False):
        row.turn, row.place = turn, place


def next_due(session: Session, table: type[Work], device: str, now: datetime) -> Work | None:
    """The one that is graded next, locked; its course has had its turn. Regrades come in the order
    in which they were started."""
    conditions = due.waits(table, now), due.on_device(table, device)
    if table is not Submission:
        query = select(table).where(*conditions).order_by(table.id).limit(1)
        return session.scalar(query.with_for_update(skip_locked=True))
    latest = select(func.max(Course.turn)).scalar_subquery()
    waiting = (
        select(Submission, latest)
        .where(*conditions)
        .options(WITH_COURSE)
        .order_by(Submission.turn, Submission.place)
        .limit(1)
        .with_for_update(skip_locked=True, of=Submission)
    )
    fresh = select(Assignment.id).join(Assignment.course).where(Course.turn < latest)
    row = session.execute(waiting.where(Submission.assignment_id.in_(fresh))).one_or_none()
    # Where all that have something due were in the latest round, a new one begins.
    begun = 0 if row is not None else 1
    row = row or session.execute(waiting).one_or_none()
    if row is None:
        return None
    found, turn = row
    found.assignment.course.turn = turn + begun
    return found  # type: ignore[no-any-return]


def ahead(session: Session, submission: Submission) -> int:
    """How many of those that wait for the same kind of device are graded before this one, if
    nothing else comes."""
    waiting = session.execute(
        _WAITING,
        {
            "assignment": submission.assignment_id,
            "turn": submission.turn,
            "place": submission.place,
        },
    ).all()
    # A round has one of every course, beginning with those that have not been in the latest one,
    # and within it the order is that of the slots.
    own = next((row for row in waiting if row.is_own), None)
    if own is None:
        return 0
    rounds = own.before + own.late  # that are over when its own begins
    return sum(
        min(row.count, max(rounds - row.late, 0)) + (row.before > rounds - row.late >= 0)
        for row in waiting
    )


def _waiting() -> Select[Any]:
    """By course: what waits for the assignment's kind of device, and how much of it has a slot
    before this one. One look at what waits, and no order to be made of it."""
    latest = select(func.max(Course.turn)).scalar_subquery()
    this = aliased(Assignment)
    slot = tuple_(bindparam("turn", type_=Integer), bindparam("place", type_=Integer))
    earlier = tuple_(Submission.turn, Submission.place) < slot
    return (
        select(
            (Course.id == this.course_id).label("is_own"),
            case((Course.turn < latest, 0), else_=1).label("late"),
            func.count().label("count"),
            func.count(case((earlier, 1))).label("before"),
        )
        .select_from(this)
        .join(Assignment, Assignment.device == this.device)
        .join(Assignment.course)
        .join(Submission, Submission.assignment_id == Assignment.id)
        .where(
            this.id == bindparam("assignment", type_=Integer),
            Submission.state == State.WAITING,
        )
        .group_by(Course.id, Course.turn, this.course_id)
    )


_WAITING = _waiting()  # made once: it is asked with every upload and every look at one that waits


def _last(session: Session, submission: Submission) -> tuple[int, int]:
    """The last slot of the first round in which the student has nothing yet, from the one being
    graded on."""
    first, latest = func.min(Submission.turn), func.max(Submission.turn)
    others, own = Submission.id != submission.id, Submission.user_id == submission.user_id
    now, last, newest = session.execute(
        select(
            func.coalesce(
                select(first).where(Submission.state == State.WAITING, others).scalar_subquery(),
                select(latest).scalar_subquery(),
            ),
            select(latest).where(own).scalar_subquery(),
            select(func.max(Submission.id)).scalar_subquery(),
        )
    ).one()
    place = submission.id if submission.id is not None else (newest or 0) + 1
    return max(now or 0, (last or 0) + 1), place
