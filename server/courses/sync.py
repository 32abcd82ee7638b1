"""Bring the database in line with a `course.toml`."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.courses.parts import remove_parts, sync_parts
from server.courses.spec import AssignmentSpec, CourseError, CourseSpec
from server.grades import grades
from server.storage import audit
from server.storage.models import (
    WHEN_PUBLISHED,
    Answer,
    Assignment,
    Course,
    LtiLink,
    Submission,
    User,
)


def sync(session: Session, spec: CourseSpec, *, at: datetime, actor: User | None) -> list[str]:
    """Create or change the course and its assignments; return what changed, a sentence each.
    Doing it again changes nothing.

    Raises:
        CourseError: it would take away what students have handed in to.
    """
    course = session.scalar(select(Course).where(Course.slug == spec.slug))
    changes = []
    if course is None:
        course = Course(
            slug=spec.slug,
            title=spec.title,
            timezone=spec.timezone,
            notice=spec.notice,
            secret=secrets.token_bytes(32),
            created_at=at,
        )
        session.add(course)
        session.flush()
        changes.append(f"course {spec.slug}: created")
    texts = {"title": spec.title, "timezone": spec.timezone, "notice": spec.notice}
    other_days = course.timezone != spec.timezone  # by whose calendar everything is late
    changes += _update(course, texts, "course")
    there = {
        row.slug: row
        for row in session.scalars(select(Assignment).where(Assignment.course_id == course.id))
    }
    for slug in there.keys() - {assignment.slug for assignment in spec.assignments}:
        if _has_submissions(session, there[slug]):
            raise CourseError(
                f"The assignment {slug!r} has submissions, so it must stay in the file."
            )
        session.execute(delete(LtiLink).where(LtiLink.assignment_id == there[slug].id))
        remove_parts(session, there[slug])
        session.delete(there[slug])
        changes.append(f"assignment {slug}: removed")
    for position, wanted in enumerate(spec.assignments):
        changes += _assignment(
            session, course, there.get(wanted.slug), wanted, position, at=at, actor=actor
        )
        if other_days and wanted.slug in there:
            grades.refresh(
                session, there[wanted.slug], None, at=at, actor=actor, cause="course changed"
            )
    if changes:
        audit.record(
            session,
            audit.Action.COURSE_SYNCED,
            f"course:{course.id}",
            at=at,
            actor=actor,
            course_id=course.id,
            changes=changes,
        )
    return changes


def _assignment(
    session: Session,
    course: Course,
    row: Assignment | None,
    wanted: AssignmentSpec,
    position: int,
    *,
    at: datetime,
    actor: User | None,
) -> list[str]:
    values = asdict(wanted) | {"position": position}
    values["hand_points"] = round(sum(part["points"] for part in values.pop("parts")), 6)
    if row is None:
        row = Assignment(course_id=course.id, **values)
        session.add(row)
        session.flush()
        sync_parts(session, row, wanted.parts)
        return [f"assignment {wanted.slug}: created"]
    if row.topic != wanted.topic and _has_submissions(session, row):
        raise CourseError(
            f"The assignment {wanted.slug!r} has submissions, so its topic stays {row.topic!r}."
        )
    changes = _update(row, values, f"assignment {wanted.slug}")
    changes += sync_parts(session, row, wanted.parts)
    if changes:
        grades.refresh(session, row, None, at=at, actor=actor, cause="course changed")
    return changes


def _update(row: Course | Assignment, values: dict[str, Any], what: str) -> list[str]:
    changes = []
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            setattr(row, name, value)
            changes.append(f"{what}: {name} was {_text(before)}, is {_text(value)}")
    return changes


def _text(value: object) -> str:
    if value == WHEN_PUBLISHED:
        return "when published"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return "not set" if value is None else str(value)


def _has_submissions(session: Session, assignment: Assignment) -> bool:
    """Or answers, which are handed in as well."""
    found = (
        session.scalar(select(table.id).where(table.assignment_id == assignment.id).limit(1))
        for table in (Submission, Answer)
    )
    return any(number is not None for number in found)
