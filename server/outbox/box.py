"""Putting something in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.orm import Session

from server.storage.models import Assignment, Delivery, Kind, LtiLink, Outgoing, Submission

_AT_ONCE = 500  # rows in one statement: databases limit its parameters


def put(
    session: Session,
    kind: Kind,
    user: int,
    key: str,
    *,
    at: datetime,
    state: Delivery = Delivery.WAITING,
    **about: Any,
) -> bool:
    """Have something told, once; False when it was put in before.

    Args:
        user: to whom.
        key: what makes it the same thing, within its kind.
        about: what a sender needs to work out what it says, as JSON.
    """
    session.flush()
    if session.scalar(select(Outgoing.id).where(Outgoing.key == f"{kind}:{key}")) is not None:
        return False
    session.add(
        Outgoing(
            key=f"{kind}:{key}",
            kind=kind,
            user_id=user,
            about=about,
            state=state,
            created_at=at,
            not_before=at,
        )
    )
    return True


def put_all(
    session: Session, kind: Kind, users: Collection[int], key: str, *, at: datetime, **about: Any
) -> None:
    """Have the same told to many, which nobody was told before.

    Args:
        key: as of `put`, but the same for all of them.
    """
    rows = [
        {
            "key": f"{kind}:{key}:{user}",
            "kind": kind,
            "user_id": user,
            "about": about,
            "state": Delivery.WAITING,
            "created_at": at,
            "not_before": at,
        }
        for user in users
    ]
    if rows:
        session.execute(insert(Outgoing), rows)


def renew(session: Session, kind: Kind, user: int, key: str, *, at: datetime, **about: Any) -> None:
    """Have something told whose latest state is all that counts, whatever was told before."""
    if put(session, kind, user, key, at=at, **about):
        return
    row = session.scalars(
        select(Outgoing).where(Outgoing.key == f"{kind}:{key}").with_for_update()
    ).one()
    row.version += 1
    row.about = about
    if row.state is not Delivery.SENDING:  # else it is sent again when that has ended
        row.state = Delivery.WAITING
        row.created_at = row.not_before = at
        row.attempts = 0


def invite(session: Session, user: int, by: int | None, *, at: datetime) -> None:
    """Have an invitation sent, unless one is on its way.

    Args:
        by: who invites; None for the operator.
    """
    underway = (Delivery.WAITING, Delivery.SENDING)
    query = select(Outgoing.id).where(
        Outgoing.user_id == user, Outgoing.kind == Kind.INVITATION, Outgoing.state.in_(underway)
    )
    if session.scalar(query.limit(1)) is None:
        put(session, Kind.INVITATION, user, f"{user}:{at.isoformat()}", at=at, by=by)


def again(session: Session, row: Outgoing, at: datetime) -> None:
    """Try once more what has failed."""
    row.state, row.attempts, row.created_at, row.not_before = Delivery.WAITING, 0, at, at


def waits(session: Session, kind: Kind, user: int, since: datetime) -> bool:
    """Whether something of the kind was put in for the user since then."""
    query = select(Outgoing.id).where(
        Outgoing.user_id == user, Outgoing.kind == kind, Outgoing.created_at > since
    )
    return session.scalar(query.limit(1)) is not None


def held(session: Session, kinds: Sequence[Kind]) -> Sequence[Row[tuple[int, Any]]]:
    """The id of each row of these kinds that is held, and what it is about."""
    query = select(Outgoing.id, Outgoing.about).where(
        Outgoing.state == Delivery.HELD, Outgoing.kind.in_(kinds)
    )
    return session.execute(query).all()


def release(session: Session, rows: Sequence[int], at: datetime) -> None:
    """Have told what was held."""
    for start in range(0, len(rows), _AT_ONCE):
        session.execute(
            update(Outgoing)
            .where(Outgoing.id.in_(rows[start : start + _AT_ONCE]), Outgoing.state == Delivery.HELD)
            .values(state=Delivery.WAITING, created_at=at, not_before=at)
        )


def keys(session: Session, kind: Kind, since: datetime) -> set[str]:
    """What was put in of the kind since then."""
    query = select(Outgoing.key).where(Outgoing.kind == kind, Outgoing.created_at > since)
    return {key.removeprefix(f"{kind}:") for key in session.scalars(query)}


def grade_changed(
    session: Session, assignment: int, user: int, *, at: datetime, first: bool = False
) -> None:
    """A grade is to be told to the course systems that have a column for it, if there are any.

    Args:
        first: not again where it was told before.
    """
    column = (LtiLink.assignment_id == assignment, LtiLink.lineitem_url.is_not(None))
    if session.scalar(select(LtiLink.id).where(*column).limit(1)) is None:
        return
    tell = put if first else renew
    tell(session, Kind.GRADE, user, f"{assignment}:{user}", at=at, assignment=assignment)


def grades_of(course: int) -> Select[Outgoing]:
    """What is told, or was, of the grades of a course."""
    return (
        select(Outgoing)
        .join(Assignment, Assignment.id == Outgoing.about["assignment"].as_integer())
        .where(Outgoing.kind == Kind.GRADE, Assignment.course_id == course)
    )


def fault_met(session: Session, submission: Submission, at: datetime) -> None:
    """Grading was given up through a fault of ours: its student hears when that is over."""
    put(
        session,
        Kind.FAULT_OVER,
        submission.user_id,
        str(submission.id),
        at=at,
        state=Delivery.HELD,
        submission=submission.id,
    )


def fault_is_over(session: Session, submission: Submission, at: datetime) -> None:
    """It is graded."""
    session.execute(
        update(Outgoing)
        .where(
            Outgoing.key == f"{Kind.FAULT_OVER}:{submission.id}", Outgoing.state == Delivery.HELD
        )
        .values(state=Delivery.WAITING, created_at=at, not_before=at)
    )
