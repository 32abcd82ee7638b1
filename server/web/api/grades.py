"""The class and its grades, for staff."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask_smorest.pagination import PaginationParameters
from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from server.grades import exports
from server.grades.exports import Format
from server.storage import audit
from server.storage.models import Assignment, Course, Enrolment, Grade, Role, Scope, User
from server.web.access import Seat, in_course
from server.web.api import schemas
from server.web.api.blueprint import by_token, page_of, pages
from server.web.services import services


@pages.get("/courses/<course>/grades")
@by_token(Scope.MANAGE, 404, 422)
@in_course(Role.ASSISTANT)
@pages.arguments(schemas.GradeQuery, location="query")
@pages.response(200, schemas.Grade(many=True))
@pages.paginate()
def grades(
    seat: Seat, wanted: dict[str, Any], pagination_parameters: PaginationParameters
) -> list[Grade]:
    """Grades, by student and assignment: one for each who handed in or was given points

    Without those of who has left the course.
    """
    query = (
        select(Grade)
        .join(Grade.assignment)
        .join(Grade.user)
        .where(
            Assignment.course_id == seat.course.id,
            ~exists().where(
                Enrolment.course_id == seat.course.id,
                Enrolment.user_id == Grade.user_id,
                ~Enrolment.here,
            ),
        )
        .order_by(User.name, User.id, Assignment.position)
        .options(joinedload(Grade.assignment), joinedload(Grade.user), joinedload(Grade.submission))
    )
    if "assignment" in wanted:
        query = query.where(Assignment.slug == wanted["assignment"])
    if "user_id" in wanted:
        query = query.where(Grade.user_id == wanted["user_id"])
    with services().database.read() as session:
        return [row.Grade for row in page_of(session, query, pagination_parameters)]


@pages.get("/courses/<course>/people")
@by_token(Scope.MANAGE, 404, 422)
@in_course(Role.ASSISTANT)
@pages.response(200, schemas.Place(many=True))
@pages.paginate()
def people(seat: Seat, pagination_parameters: PaginationParameters) -> list[Enrolment]:
    """Who is in the course, and who has left it"""
    query = (
        select(Enrolment)
        .join(Enrolment.user)
        .where(Enrolment.course_id == seat.course.id)
        .order_by(User.name, User.id)
        .options(joinedload(Enrolment.user))
    )
    with services().database.read() as session:
        return [row.Enrolment for row in page_of(session, query, pagination_parameters)]


@pages.get("/courses/<course>/exports/grades")
@by_token(Scope.MANAGE, 404)
@in_course(Role.ASSISTANT)
@pages.response(200, schemas.EXPORT)
def export(seat: Seat) -> Response:
    """All grades of a course as one document, with how each came about

    The audit log notes it.
    """
    here = services()
    with here.database.read() as session:
        book = exports.gradebook(
            session, session.get_one(Course, seat.course.id), services().clock()
        )
    with audit.noting(here.database, seat.user.id) as session:
        actor = session.get_one(User, seat.user.id)
        exports.record(session, book, Format.JSON, at=here.clock(), actor=actor)
    return jsonify(exports.grades_json(book))
