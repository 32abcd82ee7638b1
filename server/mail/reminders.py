"""What time alone brings about: due tomorrow, and no grader for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from server import outbox
from server.clock import Clock, OnceAMinute, utc_now
from server.grades import teams
from server.grades.deadlines import deadlines
from server.grading.workload import workload
from server.storage.database import Database
from server.storage.models import (
    Assignment,
    Enrolment,
    Extension,
    Kind,
    Role,
    State,
    Submission,
    User,
)

_BEFORE = timedelta(hours=24)
_PATIENCE = timedelta(minutes=5)  # a restarted server needs its graders back
_AGAIN = timedelta(hours=12)


class Reminders:
    """Looks once a minute at most."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._minute = OnceAMinute()

    def __call__(self) -> None:
        now = self._clock()
        if not self._minute.is_over(now):
            return
        with self._database.read() as session:
            due = _due(session, now)
            stuck = _stuck(session, now)
        if not due and not stuck:
            return
        with self._database.write() as session:
            for assignment, user, at in due:
                key = f"{assignment}:{user}:{at:%Y%m%d%H%M}"
                outbox.put(session, Kind.DUE, user, key, at=now, assignment=assignment)
            for user in stuck:
                count = workload(session, now).submissions[State.WAITING]
                key = f"{user}:{now:%Y%m%d%H%M}"
                outbox.put(session, Kind.NO_GRADER, user, key, at=now, waiting=count)


def _due(session: Session, now: datetime) -> list[tuple[int, int, datetime]]:
    """(assignment, student, due) of those who have a day left at most and have handed in nothing,
    and are not told yet."""
    soon = now + _BEFORE
    extended = exists().where(
        Extension.assignment_id == Assignment.id, Extension.due_at > now, Extension.due_at <= soon
    )
    found = []
    for assignment in session.scalars(
        select(Assignment).where(
            Assignment.opens_at <= now,
            ~Assignment.hidden,
            or_((Assignment.due_at > now) & (Assignment.due_at <= soon), extended),
        )
    ):
        zone = ZoneInfo(assignment.course.timezone)
        rows = session.execute(
            select(Enrolment.user_id, Extension)
            .outerjoin(
                Extension,
                (Extension.assignment_id == assignment.id)
                & (Extension.user_id == Enrolment.user_id),
            )
            .where(
                Enrolment.course_id == assignment.course_id,
                Enrolment.role == Role.STUDENT,
                Enrolment.here,
                ~exists().where(
                    Submission.assignment_id == assignment.id,
                    teams.theirs(Enrolment.user_id),
                ),
            )
        )
        for user, extension in rows:
            at = deadlines(assignment, extension, zone).due_at
            if now < at <= soon:
                found.append((assignment.id, user, at))
    told = outbox.keys(session, Kind.DUE, now - 2 * _BEFORE)
    return [one for one in found if f"{one[0]}:{one[1]}:{one[2]:%Y%m%d%H%M}" not in told]


def _stuck(session: Session, now: datetime) -> list[int]:
    """The administrators who have to be told that nothing is graded."""
    load = workload(session, now)
    waits = [load.devices[kind].oldest_waiting for kind in load.stuck]
    if not any(wait is not None and wait >= _PATIENCE for wait in waits):
        return []
    admins = session.scalars(select(User.id).where(User.is_admin, User.disabled.is_(False)))
    return [
        admin
        for admin in admins.all()
        if not outbox.waits(session, Kind.NO_GRADER, admin, now - _AGAIN)
    ]
