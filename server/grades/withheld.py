"""What the outbox holds back while students may not see it, and lets go when they may."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import outbox
from server.clock import Clock, OnceAMinute, utc_now
from server.grades.release import Part, is_shown
from server.storage.database import Database
from server.storage.models import Assignment, Comment, Kind, Submission

_OF = {Kind.COMMENT: Part.COMMENTS, Kind.GRADE: Part.SCORES}


class Withheld:
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
            due = [row for kind, part in _OF.items() for row in _due(session, kind, part, now)]
        if due:
            with self._database.write() as session:
                outbox.release(session, due, now)


def _due(session: Session, kind: Kind, part: Part, now: datetime) -> list[int]:
    held = outbox.held(session, [kind])
    if not held:
        return []
    if kind is Kind.GRADE:
        places = {row.id: row.about["assignment"] for row in held}
    else:
        query = (
            select(Comment.id, Submission.assignment_id)
            .join(Comment.submission)
            .join(Assignment, Assignment.id == Submission.assignment_id)
            .where(Assignment.comments_from.is_not(None))
        )
        of_comment = {row.id: row.assignment_id for row in session.execute(query)}
        # A comment that is gone is let go: its sender drops it. So is one that is hidden no more.
        places = {row.id: of_comment.get(row.about["comment"]) for row in held}
    assignments = {row.id: row for row in session.scalars(select(Assignment))}
    return [
        row
        for row, place in places.items()
        if place not in assignments or is_shown(assignments[place], part, now)
    ]
