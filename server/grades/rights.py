"""Whether somebody may still do what they once began: jobs run long after they were asked for."""

from __future__ import annotations

from sqlalchemy.orm import Session

from server.storage.models import Course, Enrolment, Role, User


def holds(session: Session, user: User, course: Course, least: Role) -> bool:
    """Whether the user has this role in the course, or a higher one, now."""
    if user.disabled:
        return False
    seat = session.get(Enrolment, (course.id, user.id))
    return user.is_admin or (seat is not None and seat.here and seat.role.covers(least))
