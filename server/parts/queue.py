"""What is to be marked: whose turn an answer is, in which order, and how far the marking is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.grades import by_hand
from server.parts.marks import round_of
from server.storage.models import Answer, Assignment, Enrolment, Mark, Part, Role, User


@dataclass(frozen=True)
class Waiting:
    """An answer that counts, and how far it is."""

    public_id: str
    user_id: int
    part_id: int
    markers: dict[int, int]  # by round
    points: dict[int, float]
    done: bool  # it has its points
    differ: bool  # two markers are too far apart, and nobody has settled it

    def waits_for(self, assignment: Assignment, marker: int) -> bool:
        """Whether this marker has something left to do here."""
        if self.done or self.user_id == marker:
            return False
        round_ = round_of(assignment, self.markers, self.points, marker)
        return round_ is not None and round_ not in self.markers


@dataclass
class Progress:
    """Of one part."""

    part: Part
    answers: int = 0
    marked: int = 0
    differ: int = 0
    mine: int = 0  # that wait for who asks
    by_marker: Counter[int] = field(default_factory=Counter)  # marks given, by marker


def waiting(session: Session, assignment: Assignment, part: Part | None = None) -> list[Waiting]:
    """The class's answers that count, in the order in which they are marked, which says nothing
    about who wrote them."""
    query = (
        select(Answer.id, Answer.public_id, Answer.user_id, Answer.part_id)
        .join(
            Enrolment,
            (Enrolment.user_id == Answer.user_id) & (Enrolment.course_id == assignment.course_id),
        )
        .where(
            Answer.assignment_id == assignment.id,
            Answer.counts,
            Enrolment.role == Role.STUDENT,
            Enrolment.here,
        )
        .order_by(Answer.public_id)
    )
    marks = (
        select(Mark.answer_id, Mark.round, Mark.marker_id, Mark.points)
        .join(Answer, Answer.id == Mark.answer_id)
        .where(Mark.assignment_id == assignment.id, Answer.counts)
    )
    if part is not None:
        query, marks = (
            query.where(Answer.part_id == part.id),
            marks.where(Answer.part_id == part.id),
        )
    markers: dict[int, dict[int, int]] = defaultdict(dict)
    points: dict[int, dict[int, float]] = defaultdict(dict)
    for answer, round_, marker, worth in session.execute(marks):
        markers[answer][round_], points[answer][round_] = marker, worth
    return [
        Waiting(
            public_id,
            user,
            part_id,
            markers[id_],
            points[id_],
            by_hand.outcome(assignment, points[id_]) is not None,
            by_hand.differs(assignment, points[id_]) and by_hand.SETTLED not in points[id_],
        )
        for id_, public_id, user, part_id in session.execute(query)
    ]


def progress(session: Session, assignment: Assignment, marker: int) -> list[Progress]:
    """How far each part is, and what of it waits for this marker."""
    found = {part.id: Progress(part) for part in Part.of(session, assignment)}
    for one in waiting(session, assignment):
        here = found[one.part_id]
        here.answers += 1
        here.marked += one.done
        here.differ += one.differ
        here.mine += one.waits_for(assignment, marker)
        here.by_marker.update(one.markers.values())
    return list(found.values())


def markers(session: Session, found: Sequence[Progress]) -> dict[int, str]:
    """The names of all who have marked."""
    ids = {marker for one in found for marker in one.by_marker}
    query = select(User.id, User.name).where(User.id.in_(ids)).order_by(User.name, User.id)
    return {row.id: row.name for row in session.execute(query)}


def after(found: Sequence[Waiting], public_id: str, assignment: Assignment, marker: int) -> str:
    """The next answer that waits for this marker, from the beginning again after the last; "" where
    none does."""
    mine = [one.public_id for one in found if one.waits_for(assignment, marker)]
    mine = [one for one in mine if one != public_id]
    later = [one for one in mine if one > public_id]
    return next(iter([*later, *mine]), "")


def beside(found: Sequence[Waiting], public_id: str, step: int) -> str:
    """The one before (-1) or after (1) it, marked or not; "" at the end."""
    ids = [one.public_id for one in found]
    if public_id not in ids:
        return ""
    at = ids.index(public_id) + step
    return ids[at] if 0 <= at < len(ids) else ""
