"""The student's pages."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from autograder.submission import MAX_BYTES, SubmissionError, parse
from server import access
from server.access import Seat, in_course, public, signed_in, user
from server.attempts import NotAllowed
from server.models import Assignment, Role
from server.services import services
from server.student import queries

pages = Blueprint("student", __name__)

_LONGEST_NAME = 120


@pages.get("/")
@signed_in
def home() -> str | BaseResponse:
    """The courses; straight to the only one."""
    courses = access.courses(user())
    if len(courses) == 1:
        return redirect(url_for(".course", course=courses[0].slug))
    return render_template("home.html")


@pages.get("/courses/<course>/")
@in_course(Role.STUDENT)
def course(seat: Seat) -> str:
    return render_template("student/course.html", places=queries.places(seat))


@pages.get("/courses/<course>/assignments/<assignment>/")
@in_course(Role.STUDENT)
def assignment(seat: Seat, assignment: str) -> str:
    return _assignment(seat, access.assignment(seat, assignment))


@pages.post("/courses/<course>/assignments/<assignment>/")
@in_course(Role.STUDENT)
def hand_in(seat: Seat, assignment: str) -> BaseResponse | tuple[str, int]:
    """Accept a file. It is on the disk before the answer leaves."""
    chosen = access.assignment(seat, assignment)
    if request.mimetype != "multipart/form-data":
        abort(415)
    file = request.files.get("file")
    if file is None or not file.filename:
        return _assignment(seat, chosen, "Choose the file that you want to hand in."), 422
    content = file.read()
    try:
        submission = parse(_printable(file.filename), content)
        public_id = services().queue.accept(
            chosen.id, seat.user.id, submission, content, unlimited=seat.is_staff
        )
    except (SubmissionError, NotAllowed) as error:
        return _assignment(seat, chosen, str(error)), 422
    return redirect(url_for(".submission", course=seat.course.slug, public_id=public_id), 303)


@pages.get("/courses/<course>/submissions/<public_id>/")
@in_course(Role.STUDENT)
def submission(seat: Seat, public_id: str) -> str:
    found = access.submission(seat, public_id, report=True)
    return render_template(
        "student/submission.html",
        submission=found,
        position=services().queue.position(found),
        report=services().engine.show(found.report) if found.report else None,
    )


@pages.get("/courses/<course>/submissions/<public_id>/status")
@in_course(Role.STUDENT)
def status(seat: Seat, public_id: str) -> Response:
    found = access.submission(seat, public_id)
    return jsonify(
        state=found.state,
        final=found.state.final,
        position=services().queue.position(found),
        retrying=found.faults > 0,
        progress={"exercise": found.exercise, "done": found.done, "total": found.total},
    )


@pages.get("/report.css")
@public
def report_stylesheet() -> Response:
    return _asset(services().engine.stylesheet, "text/css")


@pages.get("/report.js")
@public
def report_script() -> Response:
    return _asset(services().engine.script, "text/javascript")


def _asset(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.cache_control.max_age = current_app.get_send_file_max_age(None)
    return response


def _assignment(seat: Seat, chosen: Assignment, refusal: str = "") -> str:
    return render_template(
        "student/assignment.html",
        place=queries.place(seat, chosen),
        topic=services().engine.topics.get(chosen.topic),
        history=queries.history(seat, chosen),
        refusal=refusal,
        max_mebibytes=MAX_BYTES // 2**20,
    )


def _printable(filename: str) -> str:
    """The name without control and direction characters, its end (the suffix) kept when long."""
    return "".join(character for character in filename if character.isprintable())[-_LONGEST_NAME:]
