"""Saying how many free days are to be used for an assignment, where the course leaves that to its
students."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from server.grades import grades, teams
from server.grades.attempts import NotAllowed
from server.grades.deadlines import deadlines
from server.grades.moments import spelled
from server.language import _
from server.storage import audit
from server.storage.models import Assignment, FreeDays, FreeDaysChosen, User


def choose(
    session: Session, assignment: Assignment, user: User, days: int, *, at: datetime
) -> None:
    """From now on the assignment uses so many of the user's free days at most.

    Raises:
        NotAllowed: the course has not so many, uses them by itself, or the assignment is over.
    """
    course = assignment.course
    if not course.free_days or course.free_days_used is not FreeDays.AS_CHOSEN:
        raise NotAllowed(_("This course has no free days to be chosen."))
    if not 0 <= days <= course.free_days:
        raise NotAllowed(_("Choose a number of days from 0 to %(most)s.", most=course.free_days))
    zone = ZoneInfo(course.timezone)
    limits = deadlines(assignment, teams.extension(session, assignment, user.id), zone)
    if not limits.takes(at):
        raise NotAllowed(
            _("This assignment closed on %(time)s.", time=spelled(limits.late_until, zone))
        )
    row = session.get(FreeDaysChosen, (assignment.id, user.id))
    before = 0 if row is None else row.days
    if before == days:
        return
    if row is None:
        row = FreeDaysChosen(assignment_id=assignment.id, user_id=user.id)
        session.add(row)
    row.days, row.chosen_at = days, at
    audit.record(
        session,
        audit.Action.FREE_DAYS_CHOSEN,
        f"user:{user.id}",
        at=at,
        actor=user,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        before=before,
        after=days,
    )
    grades.refresh(session, assignment, {user.id}, at=at, actor=user, cause="free days")
