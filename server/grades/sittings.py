"""Pressing Start, where each student has a window of time of their own."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.grades.attempts import NotAllowed
from server.grades.deadlines import deadlines
from server.grades.moments import spelled
from server.language import _
from server.storage import audit
from server.storage.models import Assignment, Extension, Sitting, User


def sitting_of(session: Session, assignment_id: int, user_id: int) -> Sitting | None:
    return session.get(Sitting, (assignment_id, user_id))


def start(session: Session, assignment: Assignment, user: User, *, at: datetime) -> None:
    """The student's time runs from now on. Pressing again changes nothing.

    Raises:
        NotAllowed: the assignment has no such window, or is not open.
    """
    if sitting_of(session, assignment.id, user.id) is not None:
        return
    zone = ZoneInfo(assignment.course.timezone)
    extension = session.scalar(
        select(Extension).where(
            Extension.assignment_id == assignment.id, Extension.user_id == user.id
        )
    )
    limits = deadlines(assignment, extension, zone)
    if assignment.window_minutes is None:
        raise NotAllowed(_("This assignment has no Start: it is open for everybody until it ends."))
    if at < limits.opens_at:
        raise NotAllowed(
            _("This assignment opens on %(time)s.", time=spelled(limits.opens_at, zone))
        )
    if not limits.takes(at):
        raise NotAllowed(
            _("This assignment closed on %(time)s.", time=spelled(limits.late_until, zone))
        )
    session.add(Sitting(assignment_id=assignment.id, user_id=user.id, started_at=at))
    audit.record(
        session,
        audit.Action.STARTED,
        f"user:{user.id}",
        at=at,
        actor=user,
        course_id=assignment.course_id,
        assignment=assignment.slug,
    )
