"""A class at a glance: what is read for it, in a few queries.

Grades, scores per exercise and misconceptions stand in tables of their own (`server.grades.grades`,
`server.grading.results`), so no report is read here. Staff who hand in are left out. In a large
course this takes seconds: pages ask `figures`, which keeps what is still true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, and_, case, cast, extract, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from server.grades.deadlines import deadlines
from server.grading.workload import Workload, workload
from server.language import _, day
from server.storage.models import (
    Assignment,
    Course,
    Enrolment,
    ExerciseScore,
    Grade,
    MisconceptionFound,
    Role,
    State,
    Submission,
    User,
)
from server.web.instructor.charts import Bar, Bars

STUCK_AFTER = 3  # graded attempts without a better score
_TENTHS = range(1, 11)
STUCK = Grade.without_gain >= STUCK_AFTER
NOT_STARTED = or_(Grade.submissions.is_(None), Grade.submissions == 0)


def enrolled(
    course: Course, user: InstrumentedAttribute[int] | ColumnElement[int]
) -> ColumnElement[bool]:
    """The condition of a join with enrolments: that the user is a student of the course."""
    return and_(
        Enrolment.course_id == course.id,
        Enrolment.user_id == user,
        Enrolment.role == Role.STUDENT,
        Enrolment.here,
    )


@dataclass(frozen=True)
class Standing:
    """The class at one assignment."""

    assignment: Assignment
    students: int
    handed_in: int
    graded: int
    mean: float | None  # points
    late: int
    stuck: int
    at_least: Sequence[int]  # how many have a tenth of the points or more, two tenths, ...

    @property
    def not_started(self) -> int:
        return self.students - self.handed_in

    @property
    def distribution(self) -> Bars:
        """By tenths of the points; full marks stand apart."""
        steps = [self.graded, *self.at_least]
        counts = [more - less for more, less in zip(steps, [*steps[1:], 0], strict=True)]
        labels = [
            _("%(low)s to %(high)s %%", low=10 * tenth, high=10 * tenth + 10) for tenth in range(10)
        ]
        return Bars([Bar(*pair) for pair in zip([*labels, _("full marks")], counts, strict=True)])

    def pressing(self, now: datetime, zone: tzinfo) -> bool:
        """Whether it can be handed in, and half of the time until it is due is gone."""
        a = self.assignment
        begun = a.opens_at + (a.due_at - a.opens_at) / 2 <= now
        return begun and deadlines(a, None, zone).takes(now)


@dataclass(frozen=True)
class ExerciseMean:
    assignment_id: int
    exercise: str
    share: float  # of its points, the mean over the submissions that count
    full: int  # how many have full marks
    count: int


@dataclass(frozen=True)
class Misconception:
    assignment_id: int
    exercise: str
    name: str
    hint: str
    counting: int  # students whose counting submission has it
    ever: int | None = None  # students who had it in any submission; None: not asked

    def most_frequent_first(self) -> tuple[Any, ...]:
        return -self.counting, -(self.ever or 0), self.exercise, self.name, self.assignment_id


@dataclass(frozen=True)
class AtRisk:
    user_id: int
    not_started: int  # of the pressing assignments
    stuck: int


@dataclass(frozen=True)
class Health:
    """How grading goes: the server's, and what failed of the course's."""

    workload: Workload
    failed: int
    last_graded_at: datetime | None


def students(session: Session, course: Course) -> int:
    query = select(func.count()).where(
        Enrolment.course_id == course.id, Enrolment.role == Role.STUDENT, Enrolment.here
    )
    return session.scalar(query) or 0


def standings(
    session: Session, course: Course, assignments: Sequence[Assignment]
) -> list[Standing]:
    """One for each of these assignments of the course."""
    total = students(session, course)
    query = (
        select(
            Grade.assignment_id,
            how_many(Grade.submissions > 0).label("handed_in"),
            func.count(Grade.points).label("graded"),
            func.avg(Grade.points).label("mean"),
            how_many(Grade.late_days > 0).label("late"),
            how_many(STUCK).label("stuck"),
            *(how_many(Grade.points >= Assignment.points * tenth / 10) for tenth in _TENTHS),
        )
        .join(Assignment, Assignment.id == Grade.assignment_id)
        .join(Enrolment, enrolled(course, Grade.user_id))
        .where(Grade.assignment_id.in_([a.id for a in assignments]))
        .group_by(Grade.assignment_id)
    )
    rows = {row.assignment_id: tuple(row)[1:] for row in session.execute(query)}
    found = []
    for a in assignments:
        handed_in, graded, mean, late, stuck, *at_least = rows.get(
            a.id, (0, 0, None, 0, 0, *[0] * len(_TENTHS))
        )
        found.append(Standing(a, total, handed_in, graded, mean, late, stuck, at_least))
    return found


def exercise_means(
    session: Session, course: Course, assignments: Collection[int]
) -> list[ExerciseMean]:
    """In the order of the reports."""
    full = ExerciseScore.score >= ExerciseScore.max_score
    query = (
        select(
            Grade.assignment_id,
            ExerciseScore.exercise,
            func.sum(ExerciseScore.score) / func.nullif(func.sum(ExerciseScore.max_score), 0),
            how_many(full),
            func.count(),
        )
        .join(Enrolment, enrolled(course, Grade.user_id))
        .join(ExerciseScore, ExerciseScore.submission_id == Grade.submission_id)
        .where(Grade.assignment_id.in_(assignments))
        .group_by(Grade.assignment_id, ExerciseScore.exercise)
        .order_by(Grade.assignment_id, func.min(ExerciseScore.position))
    )
    return [ExerciseMean(a, e, share or 0.0, f, n) for a, e, share, f, n in session.execute(query)]


def misconceptions(
    session: Session, course: Course, assignments: Collection[int]
) -> list[Misconception]:
    """Those of the submissions that count, the most frequent first."""
    count = func.count().label("count")
    query = (
        select(
            Grade.assignment_id,
            MisconceptionFound.exercise,
            MisconceptionFound.name,
            func.min(MisconceptionFound.hint),
            count,
        )
        .join(Enrolment, enrolled(course, Grade.user_id))
        .join(MisconceptionFound, MisconceptionFound.submission_id == Grade.submission_id)
        .where(Grade.assignment_id.in_(assignments))
        .group_by(Grade.assignment_id, MisconceptionFound.exercise, MisconceptionFound.name)
    )
    found = [Misconception(*row) for row in session.execute(query)]
    return sorted(found, key=Misconception.most_frequent_first)


def all_misconceptions(
    session: Session, course: Course, assignment: Assignment
) -> list[Misconception]:
    """Those of any submission for the assignment, with how many students still have them."""
    held = (
        select(MisconceptionFound.exercise, MisconceptionFound.name, MisconceptionFound.user_id)
        .where(MisconceptionFound.assignment_id == assignment.id)
        .distinct()
        .subquery()
    )
    one = aliased(MisconceptionFound)
    first = (
        select(one.hint)
        .where(
            one.assignment_id == assignment.id,
            one.exercise == held.c.exercise,
            one.name == held.c.name,
        )
        .order_by(one.user_id, one.received_at)
        .limit(1)
    )
    query = (
        select(held.c.exercise, held.c.name, first.scalar_subquery(), func.count())
        .join(Enrolment, enrolled(course, held.c.user_id))
        .group_by(held.c.exercise, held.c.name)
    )
    counting = {
        (found.exercise, found.name): found.counting
        for found in misconceptions(session, course, [assignment.id])
    }
    found = [
        Misconception(assignment.id, exercise, name, hint, counting.get((exercise, name), 0), ever)
        for exercise, name, hint, ever in session.execute(query)
    ]
    return sorted(found, key=Misconception.most_frequent_first)


def handed_in(
    session: Session, assignments: Collection[int], begin: datetime, end: datetime, steps: int
) -> dict[int, dict[int, int]]:
    """For each assignment how many were handed in, in equal steps of time."""
    width = _seconds_of_a_step(begin, end, steps)
    since = cast(extract("epoch", Submission.received_at), Integer) - int(begin.timestamp())
    step = (since // width).label("step")
    query = (
        select(Submission.assignment_id, step, func.count())
        .where(
            Submission.assignment_id.in_(assignments),
            Submission.received_at >= begin,
            Submission.received_at < begin + timedelta(seconds=width * steps),
        )
        .group_by(Submission.assignment_id, step)
    )
    counts: dict[int, dict[int, int]] = {}
    for assignment, at, count in session.execute(query):
        counts.setdefault(assignment, {})[at] = count
    return counts


def over_time(
    course: Course,
    counts: Mapping[int, int],
    begin: datetime,
    end: datetime,
    steps: int,
    mark: datetime | None = None,
) -> Bars:
    """Of what `handed_in` says of an assignment, or of several together."""
    width = _seconds_of_a_step(begin, end, steps)
    zone = ZoneInfo(course.timezone)
    moments = [(begin + timedelta(seconds=width * at)).astimezone(zone) for at in range(steps)]
    names = [f"{day(moment, 'EEE d MMM')}, {moment:%H:%M}" for moment in moments]
    return Bars(
        [Bar(name, counts.get(at, 0)) for at, name in enumerate(names)],
        None if mark is None else (mark - begin) / (timedelta(seconds=width * steps)),
    )


def _seconds_of_a_step(begin: datetime, end: datetime, steps: int) -> int:
    return max(1, int((end - begin).total_seconds()) // steps)


def at_risk(
    session: Session, course: Course, assignments: Sequence[int], limit: int
) -> list[AtRisk]:
    """Students who have not started one of the assignments, or are stuck at it; the worst first."""
    if not assignments:
        return []
    missing = (len(assignments) - how_many(Grade.submissions > 0)).label("missing")
    stuck = how_many(STUCK).label("stuck")
    query = (
        select(User.id, missing, stuck)
        .select_from(Enrolment)
        .join(User, User.id == Enrolment.user_id)
        .outerjoin(
            Grade, and_(Grade.user_id == Enrolment.user_id, Grade.assignment_id.in_(assignments))
        )
        .where(Enrolment.course_id == course.id, Enrolment.role == Role.STUDENT, Enrolment.here)
        .group_by(User.id)
        .having(missing + stuck > 0)
        .order_by((missing + stuck).desc(), missing.desc(), User.name, User.id)
        .limit(limit)
    )
    return [AtRisk(*row) for row in session.execute(query)]


def health(session: Session, course: Course, now: datetime) -> Health:
    failed = session.scalar(
        select(func.count())
        .select_from(Submission)
        .join(Assignment)
        .where(Submission.state == State.FAILED, Assignment.course_id == course.id)
    )
    last = session.scalar(select(func.max(Submission.graded_at)))
    return Health(workload(session, now), failed or 0, last)


def how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Of a group's rows."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
