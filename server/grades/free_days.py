"""Free days: so many days that each student of a course may be late over the term and lose nothing.

They are used in the order of due dates, those of everybody: what an assignment uses is missing for
those that are due later, and what an extension gives back they have again. Nothing of it is counted
up: what an assignment uses is part of its grade, and what is left follows from that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.grades import release, teams
from server.grades.deadlines import deadlines
from server.storage.models import (
    Answer,
    Assignment,
    Course,
    FreeDays,
    FreeDaysChosen,
    Grade,
    Submission,
)


def turn(assignment: Assignment) -> tuple[datetime, int]:
    """By which the assignments of a course use free days, one after the other."""
    return assignment.due_at, assignment.position


def after(session: Session, assignment: Assignment) -> list[Assignment]:
    """Those whose turn is later."""
    return [row for row in _in_turn(session, assignment) if turn(row) > turn(assignment)]


def open_to(
    session: Session, course: Course, assignment: Assignment, users: Collection[int]
) -> dict[int, int]:
    """How many days each of the users may use for the assignment."""
    if not course.free_days:
        return dict.fromkeys(users, 0)
    before = [row.id for row in _in_turn(session, assignment) if turn(row) < turn(assignment)]
    used: defaultdict[int, int] = defaultdict(int)
    for user, days in session.execute(
        select(Grade.user_id, func.sum(Grade.free_days))
        .where(Grade.user_id.in_(users), Grade.assignment_id.in_(before))
        .group_by(Grade.user_id)
    ):
        used[user] = days
    most = _most(session, course, assignment, users)
    return {user: _within(course, used[user], most[user]) for user in users}


@dataclass(frozen=True)
class Account:
    """A student's free days.

    Attributes:
        days: how many there are for the whole term.
        used: for each assignment, by its id; the most that can be, where scores are hidden.
        open_to: how many each assignment may use.
        is_sure: whether no scores are hidden on which some of it depends.
        chosen: what the student wants each to use at most; None: they are used by themselves.
    """

    days: int
    used: Mapping[int, int]
    open_to: Mapping[int, int]
    is_sure: bool
    chosen: Mapping[int, int] | None

    @property
    def left(self) -> int:
        return max(0, self.days - sum(self.used.values()))

    def taken_from_later(self, assignment: Assignment, days: int) -> int:
        """How many of so many days others use by now, that are due later."""
        return max(0, days - self.used[assignment.id] - self.left)


def account(
    session: Session, course: Course, user_id: int, now: datetime, *, for_student: bool
) -> Account | None:
    """
    Args:
        for_student: whether it may depend only on scores that students may see by now.

    Returns:
        None where the course has no free days.
    """
    if not course.free_days:
        return None
    ours = Assignment.of(session, course)
    grades = select(Grade).where(
        Grade.user_id == user_id, Grade.assignment_id.in_([row.id for row in ours])
    )
    by_assignment = {row.assignment_id: row for row in session.scalars(grades)}
    chosen = course.free_days_used is FreeDays.AS_CHOSEN
    said = {
        row.assignment_id: row.days
        for row in session.scalars(select(FreeDaysChosen).where(FreeDaysChosen.user_id == user_id))
    }
    used: dict[int, int] = {}
    open_to: dict[int, int] = {}
    is_sure = True
    for assignment in sorted(ours, key=turn):
        most = said.get(assignment.id, 0) if chosen else course.free_days
        open_to[assignment.id] = _within(course, sum(used.values()), most)
        grade = by_assignment.get(assignment.id)
        used[assignment.id] = 0 if grade is None else grade.free_days
        if grade is not None and for_student and not release.shown(assignment, now).scores:
            late = _latest(session, course, assignment, user_id) if assignment.late_penalty else 0
            used[assignment.id] = min(late, open_to[assignment.id])
            is_sure = is_sure and not used[assignment.id]
    wanted = {row.id: said.get(row.id, 0) for row in ours} if chosen else None
    return Account(course.free_days, used, open_to, is_sure, wanted)


def _latest(session: Session, course: Course, assignment: Assignment, user_id: int) -> int:
    """How many days late the last thing is that the student handed in."""
    whose = (
        (Submission, teams.theirs(user_id)),
        (Answer, Answer.user_id == user_id),
    )
    arrivals = [
        session.scalar(
            select(func.max(table.received_at)).where(table.assignment_id == assignment.id, mine)
        )
        for table, mine in whose
    ]
    extension = teams.extension(session, assignment, user_id)
    limits = deadlines(assignment, extension, ZoneInfo(course.timezone))
    return max((limits.late_days(at) for at in arrivals if at is not None), default=0)


def _within(course: Course, used: int, most: int) -> int:
    return max(0, min(course.free_days - used, most))


def _most(
    session: Session, course: Course, assignment: Assignment, users: Collection[int]
) -> dict[int, int]:
    """How many each of them wants to use for the assignment."""
    if course.free_days_used is FreeDays.AUTOMATICALLY:
        return dict.fromkeys(users, course.free_days)
    rows = session.scalars(
        select(FreeDaysChosen).where(
            FreeDaysChosen.assignment_id == assignment.id, FreeDaysChosen.user_id.in_(users)
        )
    )
    return dict.fromkeys(users, 0) | {row.user_id: row.days for row in rows}


def _in_turn(session: Session, assignment: Assignment) -> list[Assignment]:
    query = select(Assignment).where(Assignment.course_id == assignment.course_id)
    return sorted(session.scalars(query), key=turn)
