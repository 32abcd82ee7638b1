"""Bring the database in line with a `course.toml`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.courses.parts import remove_parts, sync_parts
from server.courses.spec import COURSE, AssignmentSpec, CourseError, CourseSpec, GroupSpec
from server.grades import free_days, grades, teams
from server.storage import audit
from server.storage.models import (
    WHEN_PUBLISHED,
    Answer,
    Assignment,
    Course,
    GradeGroup,
    LtiLink,
    Submission,
    Team,
    TeamMember,
    User,
)

_LONGEST = 100  # characters of a value on the log


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
            text=spec.text,
            round_to=spec.round_to,
            rounding=spec.rounding,
            free_days=spec.free_days,
            free_days_used=spec.free_days_used,
            secret=secrets.token_bytes(32),
            created_at=at,
        )
        session.add(course)
        session.flush()
        changes.append(f"course {spec.slug}: created")
    said = {key.name: getattr(spec, key.name) for key in COURSE if key.name != "slug"}
    days = _days(course)
    of_course = _update(course, said, "course")
    groups, of_groups = _groups(session, course, spec.groups)
    if of_course or of_groups:
        course.version = (course.version or 0) + 1
    changes += of_course + of_groups
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
        for table in (TeamMember, Team):
            session.execute(delete(table).where(table.assignment_id == there[slug].id))
        session.delete(there[slug])
        changes.append(f"assignment {slug}: removed")
    changed = set()
    for position, wanted in enumerate(spec.assignments):
        row = there.get(wanted.slug)
        if of_row := _assignment(
            session, course, row, wanted, position, groups, at=at, actor=actor
        ):
            changed.add(wanted.slug)
            changes += of_row
    kept_rows = [there[wanted.slug] for wanted in spec.assignments if wanted.slug in there]
    if days != _days(course) or (changed and course.free_days):
        # Each day that is used for one is missing for those that are due later.
        changed = {row.slug for row in kept_rows}
    for row in sorted(kept_rows, key=free_days.turn):
        if row.slug in changed:
            grades.refresh(session, row, None, at=at, actor=actor, cause="course changed")
    kept = {group.slug for group in spec.groups}
    for slug in groups.keys() - kept:
        session.flush()
        session.execute(delete(GradeGroup).where(GradeGroup.id == groups[slug]))
        changes.append(f"group {slug}: removed")
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
    groups: Mapping[str, int],
    *,
    at: datetime,
    actor: User | None,
) -> list[str]:
    values = asdict(wanted) | {"position": position}
    values["hand_points"] = round(sum(part["points"] for part in values.pop("parts")), 6)
    group = values.pop("group")
    values["group_id"] = None if group is None else groups[group]
    if row is None:
        row = Assignment(course_id=course.id, **values)
        session.add(row)
        session.flush()
        sync_parts(session, row, wanted.parts, at=at, actor=actor)
        return [f"assignment {wanted.slug}: created"]
    if row.topic != wanted.topic and _has_submissions(session, row):
        raise CourseError(
            f"The assignment {wanted.slug!r} has submissions, so its topic stays {row.topic!r}."
        )
    if wanted.team_size == 1 < row.team_size and teams.have_handed_in(session, row):
        raise CourseError(
            f"Teams have handed in to the assignment {wanted.slug!r}, so its team_size stays "
            "above 1."
        )
    changes = _update(row, values, f"assignment {wanted.slug}")
    changes += sync_parts(session, row, wanted.parts, at=at, actor=actor)
    if changes:
        row.version += 1
    return changes


def _days(course: Course) -> tuple[object, ...]:
    """By whose calendar everything is late, and what that costs nothing."""
    return course.timezone, course.free_days, course.free_days_used


def _groups(
    session: Session, course: Course, wanted: Sequence[GroupSpec]
) -> tuple[dict[str, int], list[str]]:
    """The groups' numbers by their slugs, those among them that are to go; and what changed."""
    there = {row.slug: row for row in GradeGroup.of(session, course)}
    changes = []
    for position, spec in enumerate(wanted):
        values = asdict(spec) | {"position": position}
        if spec.slug in there:
            changes += _update(there[spec.slug], values, f"group {spec.slug}")
        else:
            there[spec.slug] = GradeGroup(course_id=course.id, **values)
            session.add(there[spec.slug])
            changes.append(f"group {spec.slug}: created")
    session.flush()
    return {slug: row.id for slug, row in there.items()}, changes


def _update(row: Course | Assignment | GradeGroup, values: dict[str, Any], what: str) -> list[str]:
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
    text = "not set" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _has_submissions(session: Session, assignment: Assignment) -> bool:
    """Or answers, which are handed in as well."""
    found = (
        session.scalar(select(table.id).where(table.assignment_id == assignment.id).limit(1))
        for table in (Submission, Answer)
    )
    return any(number is not None for number in found)
