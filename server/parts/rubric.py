"""A part's rubric: items are added and changed while marking, and a change holds for all who have
the item."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server.grades import by_hand, grades
from server.language import _
from server.storage import audit
from server.storage.models import Assignment, MarkItem, Part, RubricItem, User

MOST_ITEMS = 40


class RubricError(ValueError):
    """It cannot be so; the message is one sentence."""


def items(session: Session, part: Part) -> list[RubricItem]:
    """In their order, by which keys choose them."""
    query = select(RubricItem).where(RubricItem.part_id == part.id)
    return list(session.scalars(query.order_by(RubricItem.position, RubricItem.id)))


def add(
    session: Session, part: Part, text: str, points: float, *, at: datetime, actor: User | None
) -> RubricItem:
    """
    Raises:
        RubricError: there are too many.
    """
    there = items(session, part)
    if len(there) >= MOST_ITEMS:
        raise RubricError(_("A rubric has %(most)s items at most.", most=MOST_ITEMS))
    position = max((item.position for item in there), default=-1) + 1
    item = RubricItem(part_id=part.id, position=position, text=text, points=points)
    session.add(item)
    session.flush()
    _note(session, part, at, actor, before=None, after=_told(item), marks=0)
    return item


def change(
    session: Session,
    part: Part,
    item: RubricItem,
    text: str,
    points: float,
    *,
    at: datetime,
    actor: User | None,
) -> int:
    """Return for how many marks it holds; their grades are worked out anew."""
    before = _told(item)
    item.text, item.points = text, points
    if _told(item) == before:
        return 0
    return _apply(session, part, item, before, _told(item), at, actor)


def remove(
    session: Session, part: Part, item: RubricItem, *, at: datetime, actor: User | None
) -> int:
    """Take it from all who have it; return from how many marks."""
    before, count = _told(item), _count(session, item)
    having = select(MarkItem.user_id).where(MarkItem.item_id == item.id).distinct()
    users = set(session.scalars(having))
    session.execute(delete(MarkItem).where(MarkItem.item_id == item.id))
    session.delete(item)
    session.flush()
    by_hand.rescore(session, part)
    _note(session, part, at, actor, before=before, after=None, marks=count)
    _refresh(session, part, users, at, actor)
    return count


def _apply(
    session: Session,
    part: Part,
    item: RubricItem,
    before: str,
    after: str,
    at: datetime,
    actor: User | None,
) -> int:
    users = by_hand.rescore(session, part, item)
    count = _count(session, item)
    _note(session, part, at, actor, before=before, after=after, marks=count)
    _refresh(session, part, users, at, actor)
    return count


def _refresh(
    session: Session, part: Part, users: set[int], at: datetime, actor: User | None
) -> None:
    if users:
        assignment = session.get_one(Assignment, part.assignment_id)
        grades.refresh(session, assignment, users, at=at, actor=actor, cause="rubric")


def _count(session: Session, item: RubricItem) -> int:
    query = select(func.count()).where(MarkItem.item_id == item.id)
    return session.scalar(query) or 0


def _told(item: RubricItem) -> str:
    return f"{item.points:+g} {item.text}"


def _note(
    session: Session,
    part: Part,
    at: datetime,
    actor: User | None,
    *,
    before: str | None,
    after: str | None,
    marks: int,
) -> None:
    assignment = session.get_one(Assignment, part.assignment_id)
    audit.record(
        session,
        audit.Action.RUBRIC_CHANGED,
        f"assignment:{assignment.id}",
        at=at,
        actor=actor,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        part=part.title,
        before=before,
        after=after,
        marks=marks,
    )
