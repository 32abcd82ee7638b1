"""Courses and their assignments, as the token's user meets them."""

from __future__ import annotations

from typing import Any

from flask_smorest import Page

from server.grades.totals import equation
from server.storage.models import Role, Scope
from server.web import access
from server.web.access import Seat, in_course, signed_in, user
from server.web.api import schemas
from server.web.api.blueprint import by_token, pages
from server.web.problems import Problem
from server.web.student import badge, queries
from server.web.student.queries import Place


@pages.get("/courses")
@by_token(Scope.READ, 422)
@signed_in
@pages.response(200, schemas.Course(many=True))
@pages.paginate(Page)
def courses() -> list[Seat]:
    """The user's courses"""
    return access.seats(user())


@pages.get("/courses/<course>")
@by_token(Scope.READ, 404)
@in_course(Role.STUDENT)
@pages.response(200, schemas.Course)
def course(seat: Seat) -> Seat:
    """A course"""
    return seat


@pages.get("/courses/<course>/total")
@by_token(Scope.READ, 404)
@in_course(Role.STUDENT)
@pages.response(200, schemas.Total)
def total(seat: Seat) -> dict[str, Any]:
    """What the user's points add up to, and how: of what they may see by now

    404 for who is no student of the course.
    """
    found = queries.total(seat, queries.places(seat))
    if found is None:
        raise Problem(404, "Only students of the course have a total.")
    return {"total": found.total, "equation": equation(found.total), "rule": found.words}


@pages.get("/courses/<course>/assignments")
@by_token(Scope.READ, 404, 422)
@in_course(Role.STUDENT)
@pages.response(200, schemas.Assignment(many=True))
@pages.paginate(Page)
def assignments(seat: Seat) -> list[dict[str, Any]]:
    """A course's assignments, each with what the user has and may still do"""
    return [_shown(seat, place) for place in queries.places(seat)]


@pages.get("/courses/<course>/assignments/<assignment>")
@by_token(Scope.READ, 404)
@in_course(Role.STUDENT)
@pages.response(200, schemas.Assignment)
def assignment(seat: Seat, assignment: str) -> dict[str, Any]:
    """An assignment, with what the user has and may still do"""
    return _shown(seat, queries.place(seat, access.assignment(seat, assignment)))


def _shown(seat: Seat, place: Place) -> dict[str, Any]:
    return {
        "assignment": place.assignment,
        "allowance": place.allowance,
        "grade": place.grade,
        "phase": place.phase,
        "free_days": place.free_days,
        "shown": place.shown,
        "badge": badge.address(place.assignment),
        "refusal": None if seat.is_staff else place.allowance.refusal,
    }
