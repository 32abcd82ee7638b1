"""What the student's pages read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access import Seat
from server.attempts import FREE, Allowance, allowance
from server.models import Assignment, Extension, Grade, Submission
from server.services import services


@dataclass(frozen=True)
class Place:
    """A student at an assignment: what they have, and what they may still do."""

    assignment: Assignment
    grade: Grade | None
    allowance: Allowance


def places(seat: Seat) -> list[Place]:
    """One for each assignment that the user may see, in the course's order."""
    query = (
        select(Assignment)
        .where(Assignment.course_id == seat.course.id)
        .order_by(Assignment.position)
    )
    if not seat.is_staff:
        query = query.where(Assignment.opens_at <= services().clock())
    with services().database.read() as session:
        return [_place(session, seat, assignment) for assignment in session.scalars(query)]


def place(seat: Seat, assignment: Assignment) -> Place:
    with services().database.read() as session:
        return _place(session, seat, assignment)


def history(seat: Seat, assignment: Assignment) -> Sequence[Submission]:
    """The user's submissions for the assignment, the newest first."""
    query = (
        select(Submission)
        .where(Submission.assignment_id == assignment.id, Submission.user_id == seat.user.id)
        .order_by(Submission.number.desc())
    )
    with services().database.read() as session:
        return session.scalars(query).all()


def _place(session: Session, seat: Seat, assignment: Assignment) -> Place:
    extension = session.scalar(
        select(Extension).where(
            Extension.assignment_id == assignment.id, Extension.user_id == seat.user.id
        )
    )
    counted = session.scalars(
        select(Submission.received_at).where(
            Submission.assignment_id == assignment.id,
            Submission.user_id == seat.user.id,
            Submission.state.not_in(FREE),
        )
    ).all()
    return Place(
        assignment,
        session.get(Grade, (assignment.id, seat.user.id)),
        allowance(assignment, seat.course.timezone, extension, counted, services().clock()),
    )
