"""What marks given by hand are worth: the rules, as pure functions, and the rows they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.storage.models import Answer, Assignment, Mark, MarkItem, Part, RubricItem

FIRST, SECOND, SETTLED = 1, 2, 0  # rounds of a mark
_DECIMALS = 6
_AT_ONCE = 500


@dataclass(frozen=True)
class Answered:
    """Of an answer, what a grade depends on."""

    id: int
    part_id: int
    number: int
    received_at: datetime
    points: float | None  # None: it is not marked yet


def points_of(part: Part, items: Iterable[float], extra: float) -> float:
    """What one mark makes of the part's points.

    Args:
        items: the points of the rubric's items that it has.
        extra: given or taken beside them.
    """
    begin = part.points if part.deducts else 0.0
    total = begin + sum(sorted(items)) + extra  # sorted: a sum of floats depends on the order
    return round(min(part.points, max(0.0, total)), _DECIMALS)


def differs(assignment: Assignment, marks: Mapping[int, float]) -> bool:
    """Whether two markers are further apart than the assignment lets stand.

    Args:
        marks: points by round.
    """
    if not assignment.double_marking or not marks.keys() >= {FIRST, SECOND}:
        return False
    return round(abs(marks[FIRST] - marks[SECOND]), _DECIMALS) > assignment.settle_beyond


def outcome(assignment: Assignment, marks: Mapping[int, float]) -> float | None:
    """An answer's points; None while a mark that is needed for them is missing.

    Of two markers' it is the mean, unless they differ too much: then what settles it counts.

    Args:
        marks: points by round.
    """
    if SETTLED in marks:
        return marks[SETTLED]
    if not assignment.double_marking:
        return marks.get(FIRST)
    if not marks.keys() >= {FIRST, SECOND} or differs(assignment, marks):
        return None
    return round((marks[FIRST] + marks[SECOND]) / 2, _DECIMALS)


def answered(
    session: Session, assignment: Assignment, users: Collection[int]
) -> dict[int, list[Answered]]:
    """All answers of these students, by student."""
    found: dict[int, list[Answered]] = defaultdict(list)
    if not assignment.hand_points:
        return found
    marks: dict[int, dict[int, float]] = defaultdict(dict)
    given = select(Mark.answer_id, Mark.round, Mark.points).where(
        Mark.assignment_id == assignment.id
    )
    columns = Answer.id, Answer.part_id, Answer.number, Answer.received_at, Answer.user_id
    query = select(*columns).where(Answer.assignment_id == assignment.id).order_by(Answer.id)
    for some in _chunks(users):
        for answer, round_, points in session.execute(given.where(Mark.user_id.in_(some))):
            marks[answer][round_] = points
        for id_, part, number, received_at, user in session.execute(
            query.where(Answer.user_id.in_(some))
        ):
            worth = outcome(assignment, marks[id_])
            found[user].append(Answered(id_, part, number, received_at, worth))
    return found


def rescore(session: Session, part: Part, item: RubricItem | None = None) -> set[int]:
    """Work out anew what the part's marks make (or those with this item), after part or rubric
    changed; return whose answers they are about, whose grades are to be refreshed then."""
    session.flush()
    query = select(Mark).join(Answer, Answer.id == Mark.answer_id).where(Answer.part_id == part.id)
    if item is not None:
        query = query.join(MarkItem, MarkItem.mark_id == Mark.id).where(MarkItem.item_id == item.id)
    rows = session.scalars(query.order_by(Mark.id)).all()
    items = items_of(session, [row.id for row in rows])
    for row in rows:
        row.points = points_of(part, [one.points for one in items[row.id]], row.extra)
    return {row.user_id for row in rows}


def items_of(session: Session, marks: Collection[int]) -> dict[int, list[RubricItem]]:
    """The rubric's items of these marks, in the rubric's order."""
    found: dict[int, list[RubricItem]] = defaultdict(list)
    for some in _chunks(marks):
        query = (
            select(MarkItem.mark_id, RubricItem)
            .join(RubricItem, RubricItem.id == MarkItem.item_id)
            .where(MarkItem.mark_id.in_(some))
            .order_by(RubricItem.position, RubricItem.id)
        )
        for mark, item in session.execute(query):
            found[mark].append(item)
    return found


def _chunks(numbers: Collection[int]) -> Iterator[list[int]]:
    """In order, and few at a time: databases limit the parameters of a statement."""
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
