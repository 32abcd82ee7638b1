"""Who was quickest: the checks of speed of an assignment, with the names of those who allow it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from sqlalchemy import bindparam, func, select
from werkzeug.wrappers import Response

from server.storage.models import Assignment, Enrolment, Pace, Role, State, Submission, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.services import services
from server.web.student.blueprint import pages

MOST = 100  # that a page lists of one check
_TIMED = (
    select(Pace.submission_id)
    .join(Submission, Pace.submission_id == Submission.id)
    .where(Submission.assignment_id == bindparam("assignment"))
    .limit(1)
)


@dataclass(frozen=True)
class Entry:
    """A student's best in a check: within so many times the reference's own time. `name` is empty
    where it is not to be shown."""

    rank: int
    name: str
    within: float
    own: bool


@pages.get("/courses/<course>/assignments/<assignment>/fastest")
@in_course(Role.STUDENT)
def fastest(seat: Seat, assignment: str) -> str:
    chosen = access.assignment(seat, assignment)
    return render_template(
        "student/fastest.html",
        assignment=chosen,
        boards=boards(chosen, seat.user.id) if access.shown(seat, chosen).scores else {},
        shows_name=_shows_name(seat),
    )


@pages.post("/courses/<course>/assignments/<assignment>/fastest")
@in_course(Role.STUDENT)
def show_name(seat: Seat, assignment: str) -> Response:
    """Whether one's own name is on such pages of the course."""
    chosen = access.assignment(seat, assignment)
    with services().database.write() as session:
        enrolment = session.get(Enrolment, (seat.course.id, seat.user.id))
        if enrolment is not None:
            enrolment.shows_name = request.form.get("shows_name") == "yes"
    where = url_for(".fastest", course=seat.course.slug, assignment=chosen.slug)
    return redirect(where, 303)


def boards(assignment: Assignment, user_id: int) -> dict[tuple[str, str], list[Entry]]:
    """By exercise and check, the students, the quickest first. Equals share a rank."""
    best = func.min(Pace.within)
    query = (
        select(Pace.exercise, Pace.name, User.id, User.name, Enrolment.shows_name, best)
        .join(Submission, Pace.submission_id == Submission.id)
        .join(User, Submission.user_id == User.id)
        .join(
            Enrolment,
            (Enrolment.user_id == User.id) & (Enrolment.course_id == assignment.course_id),
        )
        .where(
            Submission.assignment_id == assignment.id,
            Submission.state == State.GRADED,
            Enrolment.role == Role.STUDENT,
            Enrolment.here,
        )
        .group_by(Pace.exercise, Pace.name, User.id, User.name, Enrolment.shows_name)
        .order_by(Pace.exercise, Pace.name, best, Enrolment.shows_name.desc(), User.name)
    )
    found: dict[tuple[str, str], list[Entry]] = {}
    with services().database.read() as session:
        for exercise, check, user, name, shown, within in session.execute(query):
            entries = found.setdefault((exercise, check), [])
            equal = bool(entries) and entries[-1].within == within
            rank = entries[-1].rank if equal else len(entries) + 1
            entries.append(Entry(rank, name if shown else "", within, user == user_id))
    return {
        place: entries[:MOST] + [entry for entry in entries[MOST:] if entry.own]
        for place, entries in found.items()
    }


def _shows_name(seat: Seat) -> bool | None:
    """None for who is not listed."""
    with services().database.read() as session:
        enrolment = session.get(Enrolment, (seat.course.id, seat.user.id))
        is_student = enrolment is not None and enrolment.role is Role.STUDENT
        return enrolment.shows_name if enrolment is not None and is_student else None


def is_timed(assignment: Assignment) -> bool:
    """Whether anybody's answers to it were timed."""
    with services().database.ask() as session:
        return session.scalar(_TIMED, {"assignment": assignment.id}) is not None
