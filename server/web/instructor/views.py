"""The class at a glance: the staff's start page, and one assignment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import render_template
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.grades import questions
from server.storage.models import Assignment, Enrolment, ExerciseScore, Grade, Role, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor import glance, items
from server.web.instructor.blueprint import number, pages
from server.web.instructor.figures import figures
from server.web.instructor.publishing import standings
from server.web.instructor.versions import versions
from server.web.services import services

_DAYS = 14
_STEPS = 48  # of an assignment's time, from its opening to its end
_PARTS = 12  # of that time, in which misconceptions are counted
_MOST = 10  # lines of a list on the start page
_ROWS = 50  # students in a page of the heatmap


@dataclass(frozen=True)
class Row:
    """A student in the heatmap."""

    user: User
    grade: Grade | None
    scores: dict[str, ExerciseScore]


@pages.get("/")
@in_course(Role.ASSISTANT)
def home(seat: Seat) -> str:
    """All assignments: where the class stands, what it has misunderstood, who needs help."""
    now, zone = services().clock(), ZoneInfo(seat.course.timezone)
    with services().database.read() as session:
        found = figures(session, seat.course, Assignment.of(session, seat.course))
        standings = found.standings()
        pressing = [s for s in standings if s.pressing(now, zone)]
        midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return render_template(
            "instructor/home.html",
            now=now,
            standings=standings,
            pressing=pressing,
            at_risk=found.at_risk([s.assignment for s in pressing], _MOST),
            means=found.exercise_means(),
            misconceptions=found.misconceptions(_MOST),
            titles={s.assignment.id: s.assignment for s in standings},
            over_time=found.over_time(
                midnight - timedelta(days=_DAYS - 1), midnight + timedelta(days=1), _DAYS
            ),
            open_questions=questions.how_many_open(session, seat.course),
            health=glance.health(session, seat.course, now),
            versions=versions(
                session, seat.course, [standing.assignment for standing in standings]
            ),
        )


@pages.get("/assignments/<assignment>/")
@in_course(Role.ASSISTANT)
def assignment(seat: Seat, assignment: str) -> str:
    """One assignment: its distribution, exercises, misconceptions, and every student's scores."""
    chosen = access.assignment(seat, assignment)
    now, page = services().clock(), max(1, number("page", 1))
    with services().database.read() as session:
        found = figures(session, seat.course, [chosen])
        (standing,) = found.standings()
        begin, end = chosen.opens_at, chosen.late_until or chosen.due_at
        return render_template(
            "instructor/assignment.html",
            now=now,
            standing=standing,
            means=found.exercise_means()[chosen.id],
            misconceptions=found.all_misconceptions()[chosen.id],
            over_time=found.over_time(begin, end, _STEPS, chosen.due_at),
            rows=_rows(session, seat, chosen, page),
            page=page,
            pages=-(-standing.students // _ROWS),
            suspects=[item for item in found.items()[chosen.id] if item.looks_wrong],
            versions=versions(session, seat.course, [chosen]),
            releases=standings(chosen),
        )


@pages.get("/assignments/<assignment>/statistics")
@in_course(Role.ASSISTANT)
def statistics(seat: Seat, assignment: str) -> str:
    """How each check of an assignment does as a question, and who has which misconception when."""
    chosen = access.assignment(seat, assignment)
    with services().database.read() as session:
        found = figures(session, seat.course, [chosen])
        (standing,) = found.standings()
        return render_template(
            "instructor/statistics.html",
            standing=standing,
            items=found.items()[chosen.id],
            spreads=found.spreads(_PARTS)[chosen.id],
            sections=items.sections(session, seat.course),
        )


def _rows(session: Session, seat: Seat, assignment: Assignment, page: int) -> list[Row]:
    """The weakest first: whoever has not handed in, then by points."""
    query = (
        select(User, Grade)
        .select_from(Enrolment)
        .join(User, User.id == Enrolment.user_id)
        .outerjoin(
            Grade,
            (Grade.user_id == Enrolment.user_id) & (Grade.assignment_id == assignment.id),
        )
        .where(
            Enrolment.course_id == seat.course.id, Enrolment.role == Role.STUDENT, Enrolment.here
        )
        .order_by(func.coalesce(Grade.points, -1.0), User.name, User.id)
        .limit(_ROWS)
        .offset((page - 1) * _ROWS)
    )
    found = session.execute(query).all()
    counting = [grade.submission_id for _, grade in found if grade is not None]
    scores: dict[int, dict[str, ExerciseScore]] = {}
    for score in session.scalars(
        select(ExerciseScore).where(ExerciseScore.submission_id.in_(counting))
    ):
        scores.setdefault(score.submission_id, {})[score.exercise] = score
    return [
        Row(user, grade, scores.get(grade.submission_id or 0, {}) if grade else {})
        for user, grade in found
    ]
