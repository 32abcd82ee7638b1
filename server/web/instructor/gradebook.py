"""The gradebook: students by assignments, sorted, filtered and searched by the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask import render_template, request
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from server.grades.totals import Totals
from server.language import N_, _
from server.storage.models import Assignment, Course, Enrolment, Grade, Role, User
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import number, pages, people_named
from server.web.instructor.glance import NOT_STARTED, STUCK
from server.web.services import services

_ROWS = 50


class Show(StrEnum):
    """Whom to show, by the grade for the chosen assignment."""

    NOT_STARTED = "not-started"
    STUCK = "stuck"
    LATE = "late"
    NOT_GRADED = "not-graded"
    ADJUSTED = "adjusted"


_WORDS = {
    Show.NOT_STARTED: N_("not started"),
    Show.STUCK: N_("stuck"),
    Show.LATE: N_("late"),
    Show.NOT_GRADED: N_("not graded"),
    Show.ADJUSTED: N_("adjusted"),
}
_CONDITIONS: dict[Show, ColumnElement[bool]] = {
    Show.NOT_STARTED: NOT_STARTED,
    Show.STUCK: STUCK,
    Show.LATE: Grade.late_days > 0,
    Show.NOT_GRADED: and_(Grade.submissions > 0, Grade.submission_id.is_(None)),
    Show.ADJUSTED: Grade.adjustment != 0,
}


@dataclass(frozen=True)
class Wanted:
    """What is asked for; what does not exist is not asked for."""

    search: str
    section: str
    assignment: Assignment | None  # that `show` is about
    show: Show | None
    sort: str  # "name", "section", "total", or an assignment's slug
    falling: bool
    page: int

    @classmethod
    def from_request(cls, assignments: Sequence[Assignment]) -> Wanted:
        slugs = {assignment.slug: assignment for assignment in assignments}
        sort = request.args.get("sort", "name")
        show = request.args.get("show", "")
        return cls(
            request.args.get("search", "").strip()[:100],
            request.args.get("section", ""),
            slugs.get(request.args.get("assignment", "")),
            Show(show) if show in list(Show) else None,
            sort if sort in ("section", "total", *slugs) else "name",
            request.args.get("order") == "falling",
            max(1, number("page", 1)),
        )


@dataclass(frozen=True)
class Line:
    enrolment: Enrolment
    user: User
    total: float | None
    grades: dict[int, Grade]  # by assignment


@pages.get("/gradebook")
@in_course(Role.ASSISTANT)
def gradebook(seat: Seat) -> str:
    with services().database.read() as session:
        assignments = Assignment.of(session, seat.course)
        wanted = Wanted.from_request(assignments)
        sections = session.scalars(
            select(Enrolment.section)
            .where(Enrolment.course_id == seat.course.id, Enrolment.section != "")
            .distinct()
            .order_by(Enrolment.section)
        ).all()
        totals = Totals(session, session.get_one(Course, seat.course.id), services().clock())
        count, lines = _lines(session, seat.course, assignments, wanted, totals)
    return render_template(
        "instructor/gradebook.html",
        assignments=assignments,
        sections=sections,
        wanted=wanted,
        in_percent=bool(totals.groups),
        options={
            "sections": [(section, section) for section in sections],
            "assignments": [(a.slug, a.title) for a in assignments],
            "show": [(show.value, _(_WORDS[show])) for show in Show],
        },
        lines=lines,
        count=count,
        pages=-(-count // _ROWS),
    )


def _lines(
    session: Session,
    course: Course,
    assignments: Sequence[Assignment],
    wanted: Wanted,
    totals: Totals,
) -> tuple[int, list[Line]]:
    """How many students there are, and those of the page."""
    ids = [assignment.id for assignment in assignments]
    if wanted.sort == "total" and totals.groups:
        return _by_total(session, course, ids, wanted, totals)
    total = (
        select(Grade.user_id, func.sum(Grade.points).label("points"))
        .where(Grade.assignment_id.in_(ids))
        .group_by(Grade.user_id)
        .subquery()
    )
    query = _chosen(course, wanted)
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    key: ColumnElement[object]
    if wanted.sort in ("name", "section"):
        key = {"name": User.name, "section": Enrolment.section}[wanted.sort]  # type: ignore[assignment]
    elif wanted.sort == "total":
        query = query.outerjoin(total, total.c.user_id == Enrolment.user_id)
        key = func.coalesce(total.c.points, -1.0)
    else:
        (assignment,) = (a for a in assignments if a.slug == wanted.sort)
        sorting = (
            select(Grade.user_id, Grade.points)
            .where(Grade.assignment_id == assignment.id)
            .subquery()
        )
        query = query.outerjoin(sorting, sorting.c.user_id == Enrolment.user_id)
        key = func.coalesce(sorting.c.points, -1.0)
    rows = session.execute(
        query.order_by(key.desc() if wanted.falling else key.asc(), User.name, User.id)
        .limit(_ROWS)
        .offset((wanted.page - 1) * _ROWS)
    ).all()
    grades = _grades(session, ids, [row.User.id for row in rows])
    return count, [_line(row.Enrolment, row.User, grades, totals) for row in rows]


def _by_total(
    session: Session, course: Course, ids: Sequence[int], wanted: Wanted, totals: Totals
) -> tuple[int, list[Line]]:
    """The same, where the totals have to be worked out to be sorted by."""
    rows = session.execute(_chosen(course, wanted)).all()
    grades = _grades(session, ids, None)
    lines = [_line(row.Enrolment, row.User, grades, totals) for row in rows]
    lines.sort(key=lambda line: (line.user.name, line.user.id))
    lines.sort(key=lambda line: -1.0 if line.total is None else line.total, reverse=wanted.falling)
    begin = (wanted.page - 1) * _ROWS
    return len(lines), lines[begin : begin + _ROWS]


def _grades(
    session: Session, ids: Sequence[int], users: Sequence[int] | None
) -> dict[int, dict[int, Grade]]:
    """By user and assignment.

    Args:
        users: whose; None: everybody's.
    """
    query = select(Grade).where(Grade.assignment_id.in_(ids))
    if users is not None:
        query = query.where(Grade.user_id.in_(users))
    grades: dict[int, dict[int, Grade]] = {}
    for grade in session.scalars(query):
        grades.setdefault(grade.user_id, {})[grade.assignment_id] = grade
    return grades


def _line(
    enrolment: Enrolment, user: User, grades: dict[int, dict[int, Grade]], totals: Totals
) -> Line:
    theirs = grades.get(user.id, {})
    total = totals.of(user.id, theirs).value if theirs or totals.groups else None
    return Line(enrolment, user, total, theirs)


def _chosen(course: Course, wanted: Wanted) -> Select[Enrolment, User]:
    query = (
        select(Enrolment, User)
        .join(User, User.id == Enrolment.user_id)
        .where(Enrolment.course_id == course.id, Enrolment.role == Role.STUDENT, Enrolment.here)
    )
    if wanted.search:
        query = query.where(people_named(wanted.search))
    if wanted.section:
        query = query.where(Enrolment.section == wanted.section)
    if wanted.show is not None and wanted.assignment is not None:
        query = query.outerjoin(
            Grade,
            and_(Grade.user_id == Enrolment.user_id, Grade.assignment_id == wanted.assignment.id),
        ).where(_CONDITIONS[wanted.show])
    return query
