"""Marks: who may give which, and giving them. Of two markers neither sees the other's before both
are in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from server.grades import by_hand, grades
from server.grades.by_hand import FIRST, SECOND, SETTLED
from server.language import _
from server.storage import audit
from server.storage.models import (
    Answer,
    Assignment,
    Mark,
    MarkItem,
    Part,
    RubricItem,
    User,
)

_ROUNDS = {FIRST: "first mark", SECOND: "second mark", SETTLED: "settled mark"}


class MarkError(ValueError):
    """It cannot be marked so; the message is one sentence."""


@dataclass(frozen=True)
class Given:
    """A mark with the items that it has."""

    mark: Mark
    items: tuple[RubricItem, ...]


@dataclass(frozen=True)
class View:
    """An answer's marks, as one marker may see them."""

    round: int | None  # in which they mark it; None: it has all that it needs, of others
    own: Given | None  # what they gave in that round
    others: tuple[Given, ...]  # what they may see beside it
    hidden: int  # marks of others that they may not see yet
    differ: bool  # two markers are too far apart, and it is to be settled
    points: float | None  # what it makes; None: not yet, or not theirs to see yet


def view(session: Session, assignment: Assignment, answer: Answer, marker: int) -> View:
    """What this marker sees of an answer's marks, and which mark is theirs to give."""
    rows = session.scalars(
        select(Mark).where(Mark.answer_id == answer.id).options(joinedload(Mark.marker))
    ).all()
    items = by_hand.items_of(session, [row.id for row in rows])
    given = {row.round: Given(row, tuple(items[row.id])) for row in rows}
    points = {row.round: row.points for row in rows}
    round_ = round_of(assignment, {row.round: row.marker_id for row in rows}, points, marker)
    complete = not assignment.double_marking or given.keys() >= {FIRST, SECOND}
    own = None if round_ is None else given.get(round_)
    others = tuple(one for number, one in sorted(given.items()) if number != round_)
    return View(
        round_,
        own,
        others if complete else (),
        0 if complete else len(others),
        by_hand.differs(assignment, points) and SETTLED not in given,
        by_hand.outcome(assignment, points) if complete else None,
    )


def round_of(
    assignment: Assignment, markers: dict[int, int], points: dict[int, float], marker: int
) -> int | None:
    """Which mark of an answer is this marker's to give or to change.

    Args:
        markers: who gave each, by round.
        points: what each made, by round.
    """
    if not assignment.double_marking:
        # Settled while it was marked twice: that is the mark which counts.
        return SETTLED if SETTLED in markers else FIRST
    if SETTLED in markers or by_hand.differs(assignment, points):
        return SETTLED
    for number in (FIRST, SECOND):
        if markers.get(number) == marker:
            return number
    return next((number for number in (FIRST, SECOND) if number not in markers), None)


def give(
    session: Session,
    answer: Answer,
    marker: User,
    *,
    items: Collection[int],
    extra: float,
    comment: str,
    seen: int,
    at: datetime,
) -> Mark:
    """Give the mark that is this marker's to give, in place of what it was.

    Args:
        items: of the part's rubric; others are passed over: they were removed meanwhile.
        seen: the version of the mark that the marker saw; 0: there was none.

    Raises:
        MarkError: it is not theirs to give, or somebody else has changed it meanwhile.
    """
    part = session.get_one(Part, answer.part_id)
    assignment = session.get_one(Assignment, answer.assignment_id, with_for_update=True)
    if answer.user_id == marker.id:
        raise MarkError(_("Nobody marks their own answer."))
    if not answer.counts:
        raise MarkError(_("The student has answered anew meanwhile: that answer is to be marked."))
    there = view(session, assignment, answer, marker.id)
    if there.round is None:
        raise MarkError(_("Two others have marked this answer already."))
    mark = there.own.mark if there.own else None
    if (mark.version if mark else 0) != seen:
        raise MarkError(_("Somebody else has marked this answer meanwhile: look at it again."))
    before = None if there.own is None else _told(there.own)
    if mark is None:
        mark = Mark(
            assignment_id=assignment.id,
            answer_id=answer.id,
            user_id=answer.user_id,
            round=there.round,
            version=0,
        )
    chosen = [
        item
        for item in session.scalars(
            select(RubricItem)
            .where(RubricItem.part_id == part.id)
            .order_by(RubricItem.position, RubricItem.id)
        )
        if item.id in items
    ]
    mark.marker_id, mark.marked_at, mark.version = marker.id, at, mark.version + 1
    mark.extra, mark.comment = extra, comment
    mark.points = by_hand.points_of(part, [item.points for item in chosen], extra)
    session.add(mark)
    session.flush()
    session.execute(delete(MarkItem).where(MarkItem.mark_id == mark.id))
    session.add_all(
        MarkItem(mark_id=mark.id, item_id=item.id, user_id=answer.user_id) for item in chosen
    )
    session.flush()
    audit.record(
        session,
        audit.Action.MARKED,
        f"answer:{answer.id}",
        at=at,
        actor=marker,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        part=part.title,
        round=_ROUNDS[there.round] if assignment.double_marking else "mark",
        before=before,
        after=_told(Given(mark, tuple(chosen))),
        of=part.points,
    )
    grades.refresh(session, assignment, {answer.user_id}, at=at, actor=marker, cause="marked")
    return mark


def complete(
    session: Session, assignment: Assignment, answers: Iterable[Answer]
) -> dict[int, tuple[float, tuple[Given, ...]]]:
    """Of each answer whose marks are complete: its points, and the marks that made them."""
    ids = [answer.id for answer in answers]
    rows = session.scalars(select(Mark).where(Mark.answer_id.in_(ids)).order_by(Mark.round)).all()
    items = by_hand.items_of(session, [row.id for row in rows])
    found = {}
    for id_ in ids:
        given = {row.round: row for row in rows if row.answer_id == id_}
        points = by_hand.outcome(assignment, {n: row.points for n, row in given.items()})
        if points is not None:
            counting = [given[SETTLED]] if SETTLED in given else [given[n] for n in sorted(given)]
            found[id_] = (points, tuple(Given(row, tuple(items[row.id])) for row in counting))
    return found


def _told(given: Given) -> str:
    parts = [f"{item.points:+g} {item.text}" for item in given.items]
    parts += [f"{given.mark.extra:+g} beside"] if given.mark.extra else []
    parts += ["a comment"] if given.mark.comment else []
    return f"{given.mark.points:g}" + (f" ({'; '.join(parts)})" if parts else "")
