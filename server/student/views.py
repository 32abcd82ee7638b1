"""The student's pages."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from autograder.submission import MAX_BYTES, SubmissionError, parse
from server.models import Submission
from server.services import services
from server.student import queries
from server.student.visitor import remember_visitor, visitor

pages = Blueprint("student", __name__)

_LONGEST_NAME = 120


@pages.get("/")
def home() -> str:
    return _home(request.args.get("assignment", ""))


@pages.post("/submissions")
def hand_in() -> BaseResponse | tuple[str, int]:
    """Accept a file. It is on the disk before the answer leaves."""
    if request.mimetype != "multipart/form-data":
        abort(415)
    assignment = request.form.get("assignment", "")
    file = request.files.get("file")
    if assignment not in services().engine.assignments:
        return _home(refusal="Choose the assignment that this file is for."), 422
    if file is None or not file.filename:
        return _home(assignment, "Choose the file that you want to hand in."), 422
    content = file.read()
    try:
        submission = parse(_printable(file.filename), content)
    except SubmissionError as error:
        return _home(assignment, str(error)), 422
    public_id = services().queue.accept(assignment, submission, content, remember_visitor())
    return redirect(url_for(".submission", public_id=public_id), 303)


@pages.get("/submissions/<public_id>")
def submission(public_id: str) -> str:
    found = _find(public_id, report=True)
    engine = services().engine
    assignment = engine.assignments.get(found.assignment)
    return render_template(
        "submission.html",
        submission=found,
        title=assignment.title if assignment else found.assignment,
        position=services().queue.position(found),
        report=engine.show(found.report) if found.report else None,
    )


@pages.get("/submissions/<public_id>/status")
def status(public_id: str) -> Response:
    found = _find(public_id)
    return jsonify(
        state=found.state,
        position=services().queue.position(found),
        retrying=found.faults > 0,
        progress={"exercise": found.exercise, "done": found.done, "total": found.total},
    )


@pages.get("/report.css")
def report_stylesheet() -> Response:
    return Response(services().engine.stylesheet, mimetype="text/css")


def _home(assignment: str = "", refusal: str = "") -> str:
    engine, database = services().engine, services().database
    owner = visitor()
    return render_template(
        "home.html",
        assignments=engine.assignments,
        chosen=assignment,
        refusal=refusal,
        max_mebibytes=MAX_BYTES // 2**20,
        own=queries.latest(database, owner) if owner else [],
        samples=queries.latest(database, None),
    )


def _find(public_id: str, *, report: bool = False) -> Submission:
    found = queries.find(services().database, public_id, report=report)
    if found is None:
        abort(404)
    return found


def _printable(filename: str) -> str:
    """The name without control and direction characters, its end (the suffix) kept when long."""
    return "".join(character for character in filename if character.isprintable())[-_LONGEST_NAME:]
