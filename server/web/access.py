"""Who may do what: the one place that decides it.

A page is closed unless its view says otherwise: `public` opens it to everyone, `signed_in` to
whoever has logged in, `in_course(role)` to those with at least that role in the course that its
address names. A view that is also marked `by_token(scope)` is for programs: who asks is known by an
API token with that scope and by nothing else, as everywhere else by a browser's session and by
nothing else. What somebody may not know of is not found (404); what somebody knows of and may not
do is forbidden (403).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, TypeVar

import flask_login
from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask import session as cookie
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import joinedload, undefer
from werkzeug.wrappers import Response

from server.grades import release, teams
from server.grades.release import EVERYTHING, Shown
from server.language import _
from server.storage.models import (
    ApiToken,
    Assignment,
    Course,
    Enrolment,
    Role,
    Scope,
    Submission,
    User,
)
from server.web import bearer
from server.web.problems import Problem
from server.web.services import services

_SEEN_AS = "seen_as"
_View = TypeVar("_View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Seat:
    """A user in a course, with the role that holds there. An administrator is an instructor in
    every course."""

    user: User
    course: Course
    role: Role
    enrolment: Enrolment | None  # None: an administrator from outside
    seen_by: User | None = None  # of the staff, who looks at the course from a student's seat

    @property
    def is_staff(self) -> bool:
        return self.role.covers(Role.ASSISTANT)

    @property
    def is_instructor(self) -> bool:
        return self.role is Role.INSTRUCTOR


def public(view: _View) -> _View:
    """Open to everyone."""
    return _mark(view, "public")


def signed_in(view: _View) -> _View:
    """Open to whoever has logged in."""
    return _mark(view, "signed in")


def in_course(least: Role) -> Callable[[_View], _View]:
    """Open to those with this role or a higher one in the course `<course>` of the address; the
    view gets their `Seat` in its place."""

    def decorate(view: _View) -> _View:
        @wraps(view)
        def checked(course: str, **arguments: Any) -> Any:
            seat = take_seat(user(), course)
            if not seat.role.covers(least):
                abort(403)
            if least is Role.STUDENT and (other := _seen_as(seat)) is not None:
                seat = g.seat = other
            return view(seat, **arguments)

        return _mark(checked, least.value)  # type: ignore[return-value]

    return decorate


def admins_only(view: _View) -> _View:
    @wraps(view)
    def checked(**arguments: Any) -> Any:
        if not user().is_admin:
            abort(403)
        return view(**arguments)

    return _mark(checked, "admin")  # type: ignore[return-value]


def by_token(scope: Scope) -> Callable[[_View], _View]:
    """For programs that send an API token with this scope."""

    def decorate(view: _View) -> _View:
        view.gradmark_scope = scope  # type: ignore[attr-defined]
        return view

    return decorate


def user() -> User:
    """Who sends this request."""
    if (sent := token()) is not None:
        return sent.user
    found = flask_login.current_user._get_current_object()
    assert isinstance(found, User)  # noqa: S101 - views of anonymous visitors do not ask
    return found


def token() -> ApiToken | None:
    """By which API token a program asks; None for a browser."""
    found: ApiToken | None = g.get("token")
    return found


def take_seat(user: User, course: str) -> Seat:
    """The user's seat in a course, remembered for the navigation; 404 where they have none."""
    if token() is not None:
        found = _seats(user, course)
    else:  # the page's navigation asks for all of them
        g.seats = seats(user)
        found = [seat for seat in g.seats if seat.course.slug == course]
    if not found:
        abort(404)
    g.seat = found[0]
    return found[0]


def seats(user: User) -> list[Seat]:
    """All that the user has."""
    return _seats(user)


def courses(user: User) -> list[Course]:
    """Those that the user has a seat in."""
    return [seat.course for seat in seats(user)]


_SEATS = (
    select(Course, Enrolment)
    .outerjoin(
        Enrolment,
        (Enrolment.course_id == Course.id)
        & (Enrolment.user_id == bindparam("user"))
        & Enrolment.here,
    )
    .order_by(Course.title)
)
_TAKEN = _SEATS.where(Enrolment.user_id.is_not(None))


def _seats(user: User, slug: str | None = None) -> list[Seat]:
    query = _SEATS if user.is_admin else _TAKEN
    if slug is not None:
        query = query.where(Course.slug == slug)
    with services().database.ask() as session:
        return [
            Seat(user, course, _role(user, enrolment), enrolment)
            for course, enrolment in session.execute(query, {"user": user.id})
        ]


def _role(user: User, enrolment: Enrolment | None) -> Role:
    """What somebody is. To a token that may not manage, everybody is a student."""
    if (sent := token()) is not None and Scope.MANAGE not in sent.scopes:
        return Role.STUDENT
    return Role.INSTRUCTOR if user.is_admin or enrolment is None else enrolment.role


def see_as(seat: Seat, enrolment: Enrolment) -> None:
    """From now on students' pages of the course are shown as they are for this student, and nothing
    can be changed there, until `see_as_oneself`."""
    cookie[_SEEN_AS] = [seat.course.id, enrolment.user_id]


def see_as_oneself() -> None:
    cookie.pop(_SEEN_AS, None)


def _seen_as(seat: Seat) -> Seat | None:
    """The seat of the student whom somebody of the staff wants to see the course as."""
    course_id, user_id = cookie.get(_SEEN_AS, (None, None))
    if course_id != seat.course.id or not seat.is_staff or token() is not None:
        return None
    enrolment = student(seat, user_id)
    if enrolment.role is not Role.STUDENT or not enrolment.here:
        see_as_oneself()
        return None
    if request.method not in {"GET", "HEAD"}:
        raise Problem(
            409,
            _(
                "You see the course as %(name)s does, and nothing can be changed meanwhile: end "
                "that first.",
                name=enrolment.user.name,
            ),
        )
    return Seat(enrolment.user, seat.course, enrolment.role, enrolment, seen_by=seat.user)


_ASSIGNMENT = select(Assignment).where(
    Assignment.course_id == bindparam("course"), Assignment.slug == bindparam("slug")
)
_OPENED = _ASSIGNMENT.where(Assignment.opens_at <= bindparam("now"), ~Assignment.hidden)


def assignment(seat: Seat, slug: str) -> Assignment:
    """The course's assignment; 404 for students before it opens, and while it is hidden."""
    wanted = {"course": seat.course.id, "slug": slug}
    with services().database.ask() as session:
        if seat.is_staff:
            found = session.scalar(_ASSIGNMENT, wanted)
        else:
            found = session.scalar(_OPENED, {**wanted, "now": services().clock()})
    return found or abort(404)


def shown(seat: Seat, assignment: Assignment) -> Shown:
    """What of the grading may be seen from this seat: everything, for staff."""
    return EVERYTHING if seat.is_staff else release.shown(assignment, services().clock())


def submission(seat: Seat, public_id: str, *, report: bool = False) -> Submission:
    """A submission in the course, with assignment and user: one's own or one's
    team's, or for staff anybody's."""
    wanted = {"public_id": public_id, "course": seat.course.id, "user": seat.user.id}
    with services().database.ask() as session:
        found = session.scalar(_submission(seat.is_staff, report), wanted)
    return found or abort(404)


@cache
def _submission(anybody: bool, report: bool) -> Select[Submission]:
    query = (
        select(Submission)
        .join(Submission.assignment)
        .where(
            Submission.public_id == bindparam("public_id"),
            Assignment.course_id == bindparam("course"),
        )
        .options(joinedload(Submission.assignment), joinedload(Submission.user))
    )
    if report:
        query = query.options(undefer(Submission.report))
    if not anybody:
        query = query.where(teams.theirs(bindparam("user")), ~Assignment.hidden)
    return query


def is_own(seat: Seat, submission: Submission) -> bool:
    """Whether one that may be seen from this seat is one's own, or one's team's."""
    return submission.user_id == seat.user.id or not seat.is_staff


def student(seat: Seat, user_id: int) -> Enrolment:
    """Somebody's enrolment in the course, with the user: one's own, or for staff anybody's."""
    if not seat.is_staff and user_id != seat.user.id:
        abort(404)
    query = (
        select(Enrolment)
        .where(Enrolment.course_id == seat.course.id, Enrolment.user_id == user_id)
        .options(joinedload(Enrolment.user))
    )
    with services().database.ask() as session:
        found = session.scalar(query)
    return found or abort(404)


def install(app: Flask) -> None:
    app.before_request(_refuse_strangers)
    app.context_processor(_navigation)


def declared(view: Callable[..., Any]) -> str | None:
    """What the view says about who may see it; None when it says nothing."""
    return getattr(view, "gradmark_access", None)


def needed_scope(view: Callable[..., Any]) -> Scope | None:
    """Which scope the view asks of a token; None for a browser's page."""
    return getattr(view, "gradmark_scope", None)


def _mark(view: _View, access: str) -> _View:
    view.gradmark_access = access  # type: ignore[attr-defined]
    return view


def _refuse_strangers() -> Response | None:
    """Nobody who has not logged in gets to a view that does not say that it is public."""
    if request.endpoint is None or request.endpoint == "static":
        return None  # an unknown address is 404 for everyone
    view = current_app.view_functions[request.endpoint]
    access, scope = declared(view), needed_scope(view)
    if access is None:
        abort(403)  # a view that nobody has thought about
    if scope is not None:
        g.token = bearer.identify(scope)
        return None
    if access == "public" or flask_login.current_user.is_authenticated:
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=wanted))


def _navigation() -> dict[str, Any]:
    """For the templates: who is here, in which seat, and which courses they could go to."""
    if not flask_login.current_user.is_authenticated:
        return {"user": None, "seat": None, "courses": []}
    here = user()
    own = [seat.course for seat in g.seats] if "seats" in g else courses(here)
    return {"user": here, "seat": g.get("seat"), "courses": own}
