"""The staff's start page."""

from __future__ import annotations

from flask import render_template
from sqlalchemy import func, select

from server.access import Seat, in_course
from server.instructor.blueprint import pages
from server.models import Assignment, Enrolment, Grade, Role
from server.services import services


@pages.get("/")
@in_course(Role.ASSISTANT)
def home(seat: Seat) -> str:
    """The assignments, and how many students have handed in to each."""
    handed_in = (
        select(func.count())
        .select_from(Grade)
        .join(
            Enrolment,
            (Enrolment.user_id == Grade.user_id)
            & (Enrolment.course_id == seat.course.id)
            & (Enrolment.role == Role.STUDENT),
        )
        .where(Grade.assignment_id == Assignment.id, Grade.submissions > 0)
        .scalar_subquery()
    )
    query = (
        select(Assignment, handed_in.label("handed_in"))
        .where(Assignment.course_id == seat.course.id)
        .order_by(Assignment.position)
    )
    students = select(func.count()).where(
        Enrolment.course_id == seat.course.id, Enrolment.role == Role.STUDENT
    )
    with services().database.read() as session:
        rows = session.execute(query).all()
        count = session.scalar(students)
    return render_template("instructor/home.html", rows=rows, students=count)
