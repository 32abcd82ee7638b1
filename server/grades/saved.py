"""Comments that staff of a course keep, to be written again to whoever has the misconception."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.language import _
from server.storage.models import Course, SavedComment, User

MOST = 20  # of a misconception in one course


class TooMany(ValueError):
    """The message is one sentence."""


def about(
    session: Session, course: Course, misconceptions: Collection[str]
) -> Sequence[SavedComment]:
    """Those that are offered where one of these was found, the oldest first."""
    if not any(misconceptions):
        return []
    query = (
        select(SavedComment)
        .where(SavedComment.course_id == course.id, SavedComment.misconception.in_(misconceptions))
        .order_by(SavedComment.misconception, SavedComment.id)
    )
    return session.scalars(query).all()


def keep(
    session: Session,
    course: Course,
    exercise: str,
    misconception: str,
    text: str,
    *,
    at: datetime,
    actor: User,
) -> None:
    """Once, however often it is said.

    Raises:
        TooMany: as many are kept as are allowed.
    """
    same = (SavedComment.course_id == course.id, SavedComment.misconception == misconception)
    if session.scalar(select(SavedComment.id).where(*same, SavedComment.text == text)) is not None:
        return
    if (session.scalar(select(func.count()).select_from(SavedComment).where(*same)) or 0) >= MOST:
        raise TooMany(
            _(
                "%(most)s comments are kept for %(misconception)s: remove one of them first.",
                most=MOST,
                misconception=misconception,
            )
        )
    session.add(
        SavedComment(
            course_id=course.id,
            exercise=exercise,
            misconception=misconception,
            text=text,
            written_by_id=actor.id,
            written_at=at,
        )
    )


def remove(session: Session, course: Course, saved: int) -> bool:
    """False where the course has no such comment."""
    found = session.get(SavedComment, saved)
    if found is None or found.course_id != course.id:
        return False
    session.delete(found)
    return True
