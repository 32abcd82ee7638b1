"""One attempt: how far it is, its report, its file."""

from __future__ import annotations

import io

from flask import Response, current_app, jsonify, render_template, send_file
from werkzeug.exceptions import TooManyRequests

from autograder.reading import SandboxFault, SandboxUnavailable
from server.engine import Report
from server.grades import marking
from server.grades.breakdown import WHICH_COUNTS, breakdown
from server.grades.release import Shown, as_shown
from server.grades.scale import in_points
from server.grading import presence
from server.storage.database import forgiving
from server.storage.files import FileGone
from server.storage.models import Role, State, Submission
from server.web import access, code, desk
from server.web.access import Seat, in_course, public
from server.web.code import Piece
from server.web.reading import on_behalf_of
from server.web.services import services
from server.web.student import queries
from server.web.student.blueprint import pages


@pages.get("/courses/<course>/submissions/<public_id>/")
@in_course(Role.STUDENT)
def submission(seat: Seat, public_id: str) -> str:
    found = access.submission(seat, public_id, report=True)
    shown = access.shown(seat, found.assignment)
    grade, adjustments = queries.standing(seat, found.assignment, found.user_id)
    comments = queries.comments(seat, found)
    report = _report(found, shown)
    page = render_template(
        "student/submission.html",
        submission=found,
        sentence=_sentence(found, services().queue.position(found)),
        shown=shown,
        hidden=queries.hidden(seat, found.assignment),
        hints=[] if shown.scores or not shown.hints else _hints(found),
        desk=desk.desk(
            _pieces(seat, found) if report else [], report, found.assignment.topic, comments
        ),
        grade=grade,
        steps=breakdown(found.assignment, grade, adjustments) if grade else [],
        which_counts=WHICH_COUNTS[found.assignment.counts],
    )
    if found.user_id == seat.user.id and any(comment.read_at is None for comment in comments):
        # Once the page is made, so that it shows what is new.
        with forgiving("not marked as read"), services().database.write() as session:
            marking.read(session, found, services().clock())
    return page


@pages.get("/courses/<course>/submissions/<public_id>/status")
@in_course(Role.STUDENT)
def status(seat: Seat, public_id: str) -> Response:
    found = access.submission(seat, public_id)
    position = services().queue.position(found)
    return jsonify(
        state=found.state,
        final=found.state.final,
        position=position,
        sentence=_sentence(found, position),
        retrying=found.faults > 0,
        progress={"exercise": found.exercise, "done": found.done, "total": found.total},
    )


@pages.get("/courses/<course>/submissions/<public_id>/file")
@in_course(Role.STUDENT)
def file(seat: Seat, public_id: str) -> Response:
    """What was handed in, byte for byte: to be saved, never to be shown by the browser."""
    found = access.submission(seat, public_id)
    return send_file(
        io.BytesIO(services().files.read(found.public_id)),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=found.filename,
        max_age=0,
    )


@pages.get("/report.css")
@public
def report_stylesheet() -> Response:
    return _asset(services().engine.stylesheet, "text/css")


@pages.get("/report.js")
@public
def report_script() -> Response:
    return _asset(services().engine.script, "text/javascript")


def _report(found: Submission, shown: Shown) -> Report | None:
    if found.report is None or not shown.scores:
        return None
    view = services().engine.views["student"](as_shown(found.report, shown))
    return in_points(view, found.assignment.points)


def _hints(found: Submission) -> list[tuple[str, str]]:
    """(exercise, hint): all that is shown of a report whose scores are hidden."""
    report = found.report or {"exercises": []}
    return [(e["name"], one["hint"]) for e in report["exercises"] for one in e["diagnosis"]]


def _pieces(seat: Seat, found: Submission) -> list[Piece]:
    """The code; none while it cannot be read: the report is there without it."""
    if found.report is None:
        return []
    try:
        with on_behalf_of(seat.user):
            return code.pieces(found.filename, services().files.read(found.public_id))
    except (FileGone, TooManyRequests, SandboxFault, SandboxUnavailable):
        return []


def _graders(device: str) -> bool:
    here = services()
    with here.database.read() as session:
        return presence.able(session, here.clock(), device) > 0


def _asset(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.cache_control.public = True  # it is everybody's
    response.cache_control.max_age = current_app.get_send_file_max_age(None)
    return response


def _sentence(submission: Submission, position: int | None) -> str:
    """How far it is; nothing when it is at its end."""
    device = submission.assignment.device
    if position is not None and not _graders(device):
        which = "" if device == "cpu" else f" with a working {device} device"
        return (
            f"Nothing is being graded at the moment, because no grader{which} is running. Your "
            "file is stored, and it is graded as soon as there is one."
        )
    if submission.state is State.GRADING:
        if not submission.total:
            return "Grading has begun."
        number = submission.done + 1
        return f"Exercise {number} of {submission.total}: {submission.exercise}"
    if position is None:
        return ""
    if position == 1:
        return "Yours is next."
    ahead = position - 1
    return f"{ahead} {'submission is' if ahead == 1 else 'submissions are'} graded before yours."
