"""Announcements: told to a course or a section, changed, withdrawn, seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session, joinedload

from server import outbox
from server.storage import audit
from server.storage.models import (
    Announcement,
    AnnouncementSeen,
    Course,
    Enrolment,
    Kind,
    Role,
    User,
)

_SHOWN = 50  # announcements on the course's page


class Conflict(ValueError):
    """Somebody else has changed or withdrawn it meanwhile."""


def announce(
    session: Session,
    course: Course,
    section: str,
    title: str,
    text: str,
    *,
    at: datetime,
    actor: User,
) -> Announcement:
    """Tell everybody in the section, or without one in the course.

    Args:
        text: Markdown.
    """
    row = Announcement(
        course_id=course.id,
        section=section,
        title=title,
        text=text,
        author_id=actor.id,
        written_at=at,
    )
    session.add(row)
    session.flush()
    _tell(session, row, at, actor)
    _record(session, audit.Action.ANNOUNCED, row, at, actor)
    return row


def change(
    session: Session,
    row: Announcement,
    title: str,
    text: str,
    *,
    version: int,
    again: bool,
    at: datetime,
    actor: User,
) -> None:
    """
    Args:
        version: of what was changed.
        again: whether it is new to everybody once more, and mail tells of it.

    Raises:
        Conflict: that is no more what there is.
    """
    if row.version != version or row.withdrawn_at is not None:
        raise Conflict
    row.title, row.text, row.changed_at = title, text, at
    row.version += 1
    if again:
        row.told += 1
        session.execute(delete(AnnouncementSeen).where(AnnouncementSeen.announcement_id == row.id))
        _tell(session, row, at, actor)
    _record(session, audit.Action.ANNOUNCEMENT_CHANGED, row, at, actor)


def withdraw(session: Session, row: Announcement, *, at: datetime, actor: User) -> None:
    """Show it to no student any more; mail that waits is not sent."""
    if row.withdrawn_at is None:
        row.withdrawn_at = at
        _record(session, audit.Action.ANNOUNCEMENT_WITHDRAWN, row, at, actor)


def shown(session: Session, course: Course, section: str | None) -> Sequence[Announcement]:
    """What stands on the course's page, the newest first.

    Args:
        section: of who looks; None for who sees those of all sections.
    """
    query = select(Announcement).where(Announcement.course_id == course.id, _stands())
    if section is not None:
        query = query.where(Announcement.section.in_(("", section)))
    query = query.order_by(Announcement.id.desc()).limit(_SHOWN)
    return session.scalars(query.options(joinedload(Announcement.author))).all()


def unseen(session: Session, user: int, rows: Sequence[Announcement]) -> set[int]:
    """The ids of those among them that the user has not seen."""
    ids = {row.id for row in rows}
    query = select(AnnouncementSeen.announcement_id).where(
        AnnouncementSeen.user_id == user, AnnouncementSeen.announcement_id.in_(ids)
    )
    return ids - set(session.scalars(query))


def see(session: Session, user: int, rows: Collection[int], at: datetime) -> None:
    """The user has seen these, which they had not."""
    for row in rows:
        session.merge(AnnouncementSeen(announcement_id=row, user_id=user, seen_at=at))


def new(session: Session, user: int) -> dict[int, int]:
    """How many the user has not seen, by the number of the course."""
    seen = select(AnnouncementSeen.announcement_id).where(AnnouncementSeen.user_id == user)
    query = (
        select(Announcement.course_id, func.count())
        .join(Enrolment, Enrolment.course_id == Announcement.course_id)
        .where(Enrolment.user_id == user, Enrolment.here, _stands(), Announcement.id.not_in(seen))
        .where(_is_for())
        .group_by(Announcement.course_id)
    )
    return dict(session.execute(query).all())


def readers(session: Session, rows: Sequence[Announcement]) -> dict[int, int]:
    """How many students have seen each."""
    query = (
        select(AnnouncementSeen.announcement_id, func.count())
        .join(Announcement, Announcement.id == AnnouncementSeen.announcement_id)
        .join(
            Enrolment,
            (Enrolment.course_id == Announcement.course_id)
            & (Enrolment.user_id == AnnouncementSeen.user_id),
        )
        .where(Announcement.id.in_([row.id for row in rows]), Enrolment.role == Role.STUDENT)
        .group_by(AnnouncementSeen.announcement_id)
    )
    return dict(session.execute(query).all())


def _stands() -> ColumnElement[bool]:
    return Announcement.withdrawn_at.is_(None)


def _is_for() -> ColumnElement[bool]:
    """That it is for the section of an enrolment; staff see those of all sections."""
    return or_(Announcement.section.in_(("", Enrolment.section)), Enrolment.role != Role.STUDENT)


def _tell(session: Session, row: Announcement, at: datetime, actor: User) -> None:
    """By mail to everybody whom it is for, and who did not write it."""
    people = select(Enrolment.user_id).where(
        Enrolment.course_id == row.course_id, Enrolment.here, Enrolment.user_id != actor.id
    )
    if row.section:
        people = people.where(Enrolment.section == row.section)
    outbox.put_all(
        session,
        Kind.ANNOUNCEMENT,
        session.scalars(people).all(),
        f"{row.id}:{row.told}",
        at=at,
        announcement=row.id,
        told=row.told,
    )


def _record(
    session: Session, action: audit.Action, row: Announcement, at: datetime, actor: User
) -> None:
    audit.record(
        session,
        action,
        f"announcement:{row.id}",
        at=at,
        actor=actor,
        course_id=row.course_id,
        title=row.title,
        section=row.section,
    )
