"""Statistics per check: how hard each is, whether it tells able students from others, and which
look wrong.

An item analysis as tests are judged by (Ebel & Frisbie 1991, *Essentials of Educational
Measurement*, ch. 13): the item is a check, the persons are the submissions that count. Only what
was lost is stored, so a check that nobody lost points at is not listed: it has nothing to tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Integer, Select, cast, extract, func, select
from sqlalchemy.orm import Session

from server.storage.models import (
    Assignment,
    Course,
    Enrolment,
    Grade,
    LostCheck,
    MisconceptionFound,
    Role,
    Submission,
)
from server.web.instructor.glance import enrolled, how_many

Selected: TypeAlias = Select[*tuple[Any, ...]]

ENOUGH = 10  # submissions, below which a correlation says nothing
ABLE = 0.9  # of all other points
_ABLE_LOSERS = 3
_LOW = 0.1  # a discrimination, from which on down a check does not sort
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Alone:
    """A case that was the only one of its check to fail."""

    case: str
    students: int


@dataclass(frozen=True)
class Item:
    """A check over the submissions that count.

    Attributes:
        count: how many count.
        losing: at how many of them it cost points.
        able: how many of those reached 90 % of all other points.
        reached: the mean share of its points, from 0 to 1 (the item's difficulty).
        discrimination: the correlation of that share with the points of all other checks, from -1
            to 1; None where one of the two does not vary, or fewer than ten count.
    """

    exercise: str
    check: str
    points: float
    count: int
    losing: int
    able: int
    reached: float
    discrimination: float | None
    alone: Sequence[Alone] = ()

    @property
    def looks_wrong(self) -> bool:
        """Whether able students lose points here that they lose nowhere else, and it does not sort
        the others either."""
        sorts = self.discrimination is not None and self.discrimination >= _LOW
        return self.count >= ENOUGH and self.able >= _ABLE_LOSERS and not sorts


@dataclass(frozen=True)
class Spread:
    """A misconception in any submission: how many students of each section had it, and how many
    in each part of the assignment's time."""

    exercise: str
    name: str
    sections: Mapping[str, int]
    steps: Sequence[int]

    @property
    def students(self) -> int:
        return sum(self.sections.values())


def items(session: Session, course: Course, assignment: Assignment) -> list[Item]:
    """Those that cost somebody points, the ones that look wrong first, then the hardest."""
    whole = _counting(
        course,
        assignment,
        select(
            func.count(), func.sum(Submission.score), func.sum(Submission.score * Submission.score)
        ),
    )
    count, total, squares = session.execute(whole).one()
    if not count:
        return []
    share = LostCheck.lost / LostCheck.max_score
    others = Submission.max_score - LostCheck.max_score
    rest = Submission.score - (LostCheck.max_score - LostCheck.lost)
    lost = _counting(
        course,
        assignment,
        select(
            LostCheck.exercise,
            LostCheck.name,
            func.max(LostCheck.max_score),
            func.count(),
            how_many(rest >= ABLE * others - _ROUNDING),
            func.sum(share),
            func.sum(share * share),
            func.sum(Submission.score * share),
        ),
    )
    lost = lost.join(LostCheck, LostCheck.submission_id == Submission.id).group_by(
        LostCheck.exercise, LostCheck.name
    )
    alone = _alone(session, course, assignment)
    found = [
        Item(
            exercise,
            check,
            points,
            count,
            losing,
            able,
            1 - sums[0] / count,
            _discrimination(count, points, total, squares, *sums),
            alone.get((exercise, check), ()),
        )
        for exercise, check, points, losing, able, *sums in session.execute(lost)
    ]
    return sorted(found, key=lambda i: (not i.looks_wrong, i.reached, i.exercise, i.check))


def _discrimination(
    count: int,
    points: float,
    total: float,
    squares: float,
    shares: float,
    share_squares: float,
    products: float,
) -> float | None:
    """The correlation of an item with the rest, from sums over those who lost points there.

    Args:
        total, squares: over all, of the score s and of its square.
        shares, share_squares, products: over the losing, of the lost share l, its square, and s l.
    """
    if count < ENOUGH:
        return None
    # Of the reached share c = 1 - l, and of the rest r = s - points c.
    c = count - shares
    cc = count - 2 * shares + share_squares
    sc = total - products
    r = total - points * c
    rr = squares - 2 * points * sc + points * points * cc
    cr = sc - points * cc
    spread = (count * cc - c * c) * (count * rr - r * r)
    if spread <= _ROUNDING * (1 + count * cc) * (1 + count * rr):
        return None
    return max(-1.0, min(1.0, (count * cr - c * r) / math.sqrt(spread)))


def _alone(
    session: Session, course: Course, assignment: Assignment
) -> Mapping[tuple[str, str], list[Alone]]:
    count = func.count().label("count")
    query = _counting(
        course, assignment, select(LostCheck.exercise, LostCheck.name, LostCheck.alone, count)
    )
    query = (
        query.join(LostCheck, LostCheck.submission_id == Submission.id)
        .where(LostCheck.alone.is_not(None))
        .group_by(LostCheck.exercise, LostCheck.name, LostCheck.alone)
        .order_by(count.desc(), LostCheck.alone)
    )
    found: dict[tuple[str, str], list[Alone]] = {}
    for exercise, check, name, students in session.execute(query):
        found.setdefault((exercise, check), []).append(Alone(name, students))
    return found


def _counting(course: Course, assignment: Assignment, columns: Selected) -> Selected:
    """Of the submissions that count."""
    return (
        columns.select_from(Grade)
        .join(Enrolment, enrolled(course, Grade.user_id))
        .join(Submission, Submission.id == Grade.submission_id)
        .where(Grade.assignment_id == assignment.id)
    )


def spreads(session: Session, course: Course, assignment: Assignment, steps: int) -> list[Spread]:
    """The misconceptions of all submissions, the most frequent first; over equal parts of the
    time from the assignment's opening to its end. Who is in no section stands under ""."""
    begin, end = assignment.opens_at, assignment.late_until or assignment.due_at
    since = cast(extract("epoch", MisconceptionFound.received_at), Integer)
    step = (since - int(begin.timestamp())) // max(1, int((end - begin).total_seconds()) // steps)
    by_section = _having(session, course, assignment)
    by_step = _having(session, course, assignment, step)
    found = [
        Spread(*key, sections, [by_step[key].get(at, 0) for at in range(steps)])
        for key, sections in by_section.items()
    ]
    return sorted(found, key=lambda s: (-s.students, s.exercise, s.name))


def _having(
    session: Session,
    course: Course,
    assignment: Assignment,
    step: ColumnElement[int] | None = None,
) -> dict[tuple[str, str], dict[Any, int]]:
    """Of each misconception, how many students had it in each step, or else of each section."""
    columns = [MisconceptionFound.exercise, MisconceptionFound.name, MisconceptionFound.user_id]
    held = (
        select(*columns, *([] if step is None else [step.label("step")]))
        .where(MisconceptionFound.assignment_id == assignment.id)
        .distinct()
        .subquery()
    )
    group = Enrolment.section if step is None else held.c.step
    query = (
        select(held.c.exercise, held.c.name, group, func.count())
        .join(Enrolment, enrolled(course, held.c.user_id))
        .group_by(held.c.exercise, held.c.name, group)
    )
    found: dict[tuple[str, str], dict[Any, int]] = {}
    for exercise, name, where, students in session.execute(query):
        found.setdefault((exercise, name), {})[where] = students
    return found


def sections(session: Session, course: Course) -> dict[str, int]:
    """The course's sections, with how many students each has."""
    query = (
        select(Enrolment.section, func.count())
        .where(Enrolment.course_id == course.id, Enrolment.role == Role.STUDENT, Enrolment.here)
        .group_by(Enrolment.section)
        .order_by(Enrolment.section)
    )
    return dict(session.execute(query).all())
