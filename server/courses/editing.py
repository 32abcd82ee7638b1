"""Changing a course as its page does: by the model and the rules of `course.toml`, with a look at
what it does to grades before it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.courses import spec
from server.courses.file import Document, document
from server.courses.rehearsal import rehearsal
from server.courses.spec import CourseError
from server.courses.sync import sync
from server.grades import moments, totals
from server.grades.release import Part
from server.people import accounts
from server.storage import audit
from server.storage.database import Database
from server.storage.models import AuditEntry, Course, Role, User

Change: TypeAlias = Callable[[Document], None]
_MOMENTS = ("opens", "due", "late_until", *(part.value for part in Part))


@dataclass(frozen=True)
class GradeChange:
    """What becomes of a student's grade, or, without an assignment, of their total."""

    user_id: int
    assignment: str  # its slug
    before: float | None
    after: float | None


def apply(
    session: Session,
    course: Course,
    change: Change,
    topics: Collection[str],
    *,
    at: datetime,
    actor: User,
) -> list[str]:
    """Change the course; return what changed, a sentence each.

    Args:
        change: changes the document that the course is.

    Raises:
        CourseError: it would not be a valid course.
    """
    wanted = document(session, course)
    for table in wanted["assignments"]:
        for part in table.get("parts", ()):
            part.pop("rubric", None)  # made and changed while marking: it stays as it is
    change(wanted)
    return sync(session, spec.check(wanted, topics), at=at, actor=actor)


def preview(
    database: Database,
    course_id: int,
    change: Change,
    topics: Collection[str],
    *,
    at: datetime,
    actor_id: int,
) -> list[GradeChange]:
    """Which grades and totals the change would change: it is made in a copy, and looked at.

    Raises:
        CourseError: it would not be a valid course.
    """
    with rehearsal(database, course_id, actor_id) as session:
        course = session.get_one(Course, course_id)
        before = totals.everybody(session, course, at)
        apply(session, course, change, topics, at=at, actor=session.get_one(User, actor_id))
        session.flush()
        after = totals.everybody(session, course, at)
        entries = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.action == audit.Action.GRADE_CHANGED)
            .order_by(AuditEntry.id)
        )
        # One may change more than once on the way: by what it is worth, and by its free days.
        moved: dict[tuple[int, str], tuple[float | None, float | None]] = {}
        for entry in entries:
            said = entry.detail
            one = int(entry.subject.partition(":")[2]), said["assignment"]
            first, _ = moved.get(one, (said["before"], None))
            moved[one] = first, said["after"]
    found = [GradeChange(*one, *change) for one, change in moved.items() if change[0] != change[1]]
    return found + [
        GradeChange(user, "", before.get(user), after.get(user))
        for user in sorted(before.keys() | after.keys())
        if before.get(user) != after.get(user)
    ]


def fingerprint(changes: Collection[GradeChange]) -> str:
    """Of what somebody has looked at."""
    return sha256(repr(sorted(map(repr, changes))).encode()).hexdigest()


def assignment_of(found: Document, slug: str) -> dict[str, Any]:
    """An assignment's table in the document."""
    return next(table for table in found["assignments"] if table["slug"] == slug)


def make(
    session: Session,
    table: dict[str, Any],
    topics: Collection[str],
    *,
    at: datetime,
    actor: User,
    assignments: Collection[dict[str, Any]] = (),
    groups: Collection[dict[str, Any]] = (),
) -> Course:
    """A new course, whose instructor is who makes it.

    Args:
        table: its `[course]`.

    Raises:
        CourseError: it is not valid, or there is one with this slug.
    """
    wanted = spec.check(
        {"course": table, "groups": list(groups), "assignments": list(assignments)}, topics
    )
    if session.scalar(select(Course.id).where(Course.slug == wanted.slug)) is not None:
        raise CourseError(f"There is a course {wanted.slug!r} already: choose another.", "slug")
    sync(session, wanted, at=at, actor=actor)
    course = session.scalars(select(Course).where(Course.slug == wanted.slug)).one()
    accounts.enrol(session, course, actor, Role.INSTRUCTOR, at=at, actor=actor)
    return course


def copy(
    session: Session,
    course: Course,
    slug: str,
    title: str,
    days: int,
    topics: Collection[str],
    *,
    at: datetime,
    actor: User,
) -> Course:
    """The course for another term: all that its file says, its dates so many days later, and
    nobody in it but who copies it. Its hidden cases are drawn anew.

    Raises:
        CourseError: it is not valid, or there is one with this slug.
    """
    found, zone = document(session, course), ZoneInfo(course.timezone)
    for table in found["assignments"]:
        for key in _MOMENTS:
            if isinstance(table.get(key), datetime):
                table[key] = _later(table[key], days, zone)
    made = make(
        session,
        found["course"] | {"slug": slug, "title": title},
        topics,
        at=at,
        actor=actor,
        assignments=found["assignments"],
        groups=found["groups"],
    )
    audit.record(
        session,
        audit.Action.COURSE_COPIED,
        f"course:{course.id}",
        at=at,
        actor=actor,
        course_id=course.id,
        to=slug,
        days=days,
    )
    return made


def days_until(course: Course, begins: date, opens: datetime) -> int:
    """How many days later a course is that begins then, where its first assignment opens at
    `opens`."""
    return (begins - opens.astimezone(ZoneInfo(course.timezone)).date()).days


def _later(wall: datetime, days: int, zone: ZoneInfo) -> datetime:
    aware = wall.replace(tzinfo=zone) if wall.tzinfo is None else wall
    return moments.days_later(aware, days, zone).astimezone(zone)
