"""The audit log: the one way into it. What it holds can be neither changed nor removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from server.storage.database import Database, forgiving
from server.storage.models import AuditEntry, User


class Action(StrEnum):
    USER_CREATED = "user.created"
    USER_INVITED = "user.invited"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_RENAMED = "user.renamed"
    ADDRESS_CHANGED = "address.changed"
    PASSWORD_SET = "password.set"  # noqa: S105 - the name of an action
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    PLATFORM_REGISTERED = "platform.registered"
    PLATFORM_REMOVED = "platform.removed"
    COURSE_CONNECTED = "course.connected"
    COURSE_DISCONNECTED = "course.disconnected"
    TOKEN_CREATED = "token.created"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    COURSE_SYNCED = "course.synced"
    COURSE_COPIED = "course.copied"
    SECTION_CHANGED = "section.changed"
    ENROLLED = "enrolment.created"
    LEFT = "enrolment.left"
    RETURNED = "enrolment.returned"
    ROLE_CHANGED = "role.changed"
    EXTENSION_GRANTED = "extension.granted"
    STARTED = "assignment.started"
    TEAM_CHANGED = "team.changed"
    FREE_DAYS_CHOSEN = "free_days.chosen"
    PUBLISHED = "results.published"
    WITHDRAWN = "results.withdrawn"
    GRADE_CHANGED = "grade.changed"
    ADJUSTED = "grade.adjusted"
    QUESTION_ASKED = "question.asked"
    QUESTION_ANSWERED = "question.answered"
    ANNOUNCED = "announcement.made"
    ANNOUNCEMENT_CHANGED = "announcement.changed"
    ANNOUNCEMENT_WITHDRAWN = "announcement.withdrawn"
    PAIR_JUDGED = "pair.judged"
    MARKED = "answer.marked"
    RUBRIC_CHANGED = "rubric.changed"
    RESULT_POSTED = "result.posted"
    REGRADE_STARTED = "regrade.started"
    REGRADE_APPLIED = "regrade.applied"
    REGRADE_DISCARDED = "regrade.discarded"
    SIMILARITY_SEARCHED = "similarity.searched"
    EXPORTED = "export.made"
    DATA_EXPORTED = "data.exported"
    DATA_ERASED = "data.erased"


def record(
    session: Session,
    action: Action,
    subject: str,
    *,
    at: datetime,
    actor: User | None,
    course_id: int | None = None,
    **detail: Any,
) -> None:
    """Note in the same transaction what is being done.

    Args:
        subject: what it is done to, as `kind:id`.
        actor: who does it; None for the server itself and its operator's command line.
        detail: what a reader needs to understand it, as JSON.
    """
    session.add(
        AuditEntry(
            at=at,
            actor_id=None if actor is None else actor.id,
            course_id=course_id,
            action=action.value,
            subject=subject,
            detail=detail,
        )
    )


@contextmanager
def noting(database: Database, actor: int | None) -> Iterator[Session]:
    """A transaction that notes that something was read. Reading goes on while the disk is full: the
    server's log then tells of it instead.

    Args:
        actor: the id of who reads; None for the operator's command line.
    """
    with forgiving(f"read by user {actor}, and noted nowhere else"), database.write() as session:
        yield session
