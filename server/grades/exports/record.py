"""That grades left the server, and for whom: an entry in the audit log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from server.grades.exports.gradebook import Gradebook
from server.storage import audit
from server.storage.models import User


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    CANVAS = "canvas"
    MOODLE = "moodle"


def record(
    session: Session, book: Gradebook, format: Format, *, at: datetime, actor: User | None
) -> None:
    audit.record(
        session,
        audit.Action.EXPORTED,
        f"course:{book.course.id}",
        at=at,
        actor=actor,
        course_id=book.course.id,
        format=format.value,
        students=len(book.lines),
    )
