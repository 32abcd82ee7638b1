"""What every export is made of: a course's students, and what each has for each assignment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from server.grades.totals import Total, Totals
from server.storage.models import Assignment, Comment, Course, Enrolment, Grade, GradeGroup, Role


@dataclass(frozen=True)
class Line:
    """A student."""

    enrolment: Enrolment  # with its user
    grades: Mapping[int, Grade]  # by the assignment's id; with the submission that counts
    result: Total

    def points(self, assignment: Assignment) -> float | None:
        """None: nothing is graded yet."""
        grade = self.grades.get(assignment.id)
        return None if grade is None else grade.points

    @property
    def total(self) -> float | None:
        """None: nothing counts yet."""
        return self.result.value

    def free_days_left(self, course: Course) -> int:
        return max(0, course.free_days - sum(grade.free_days for grade in self.grades.values()))


@dataclass(frozen=True)
class Gradebook:
    course: Course
    assignments: Sequence[Assignment]
    groups: Sequence[GradeGroup]
    lines: Sequence[Line]  # by address
    comments: Mapping[int, Sequence[str]]  # to the students, by the submission's id


def gradebook(session: Session, course: Course, now: datetime) -> Gradebook:
    """The grades as they stand, of those who are students in the course now."""
    assignments = Assignment.of(session, course)
    enrolments = session.scalars(
        select(Enrolment)
        .where(Enrolment.course_id == course.id, Enrolment.role == Role.STUDENT, Enrolment.here)
        .options(joinedload(Enrolment.user))
    ).all()
    ours = Assignment.course_id == course.id
    grades: dict[int, dict[int, Grade]] = defaultdict(dict)
    for grade in session.scalars(
        select(Grade).join(Grade.assignment).where(ours).options(joinedload(Grade.submission))
    ):
        grades[grade.user_id][grade.assignment_id] = grade
    comments = defaultdict(list)
    for comment in session.scalars(
        select(Comment)
        .join(Grade, Grade.submission_id == Comment.submission_id)
        .join(Grade.assignment)
        .where(ours, Comment.for_staff.is_(False))
        .order_by(Comment.id)
    ):
        comments[comment.submission_id].append(comment.text)
    totals = Totals(session, course, now)
    lines = [
        Line(enrolment, theirs, totals.of(enrolment.user_id, theirs))
        for enrolment in sorted(enrolments, key=lambda enrolment: enrolment.user.email)
        for theirs in [grades.get(enrolment.user_id, {})]
    ]
    return Gradebook(course, assignments, totals.groups, lines, comments)
