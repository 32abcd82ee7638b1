"""One attempt: how far it is, its report, its file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from flask import (
    Response,
    abort,
    current_app,
    flash,
    get_template_attribute,
    jsonify,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from markupsafe import Markup
from sqlalchemy.orm import undefer
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as BaseResponse

from autograder.reading import SandboxFault, SandboxUnavailable
from server.engine import AtCheck, Report
from server.grades import marking, questions
from server.grades.breakdown import WHICH_COUNTS, breakdown
from server.grades.release import Shown, as_shown
from server.grades.scale import in_points
from server.grading import presence
from server.language import _, ngettext
from server.storage.database import forgiving
from server.storage.files import FileGone
from server.storage.models import Comment, Question, Role, State, Submission, User
from server.web import access, code, desk
from server.web.access import Seat, in_course, public
from server.web.auth.sessions import limiter, whoever_asks
from server.web.code import Piece
from server.web.reading import on_behalf_of
from server.web.services import services
from server.web.student import queries
from server.web.student.blueprint import pages


@dataclass(frozen=True)
class Refused:
    """A question that was not taken, and why."""

    exercise: str
    check: str
    text: str
    why: str


@pages.get("/courses/<course>/submissions/<public_id>/")
@in_course(Role.STUDENT)
def submission(seat: Seat, public_id: str) -> str:
    return page(seat, access.submission(seat, public_id, report=True))


def page(seat: Seat, found: Submission, refused: Refused | None = None) -> str:
    shown = access.shown(seat, found.assignment)
    grade, adjustments = queries.standing(seat, found.assignment, _whose(seat, found))
    comments = queries.comments(seat, found)
    asked = queries.questions(found) if shown.scores else []
    at_check, left = _questions(seat, found, asked, refused)
    report = _report(found, shown)
    made = render_template(
        "student/submission.html",
        submission=found,
        sentence=_sentence(found, services().queue.position(found)),
        shown=shown,
        hidden=queries.hidden(seat, found.assignment),
        hints=[] if shown.scores or not shown.hints else _hints(found),
        desk=desk.desk(
            _pieces(seat, found) if report else [],
            report,
            found.assignment.topic,
            comments,
            at_check=at_check,
        ),
        questions=left,
        grade=grade,
        steps=breakdown(found.assignment, grade, adjustments) if grade else [],
        which_counts=WHICH_COUNTS[found.assignment.counts],
    )
    own = access.is_own(seat, found) and not seat.seen_by
    if own and shown.comments and _has_new(comments, asked):
        # Once the page is made, so that it shows what is new.
        with forgiving("not marked as read"), services().database.write() as session:
            marking.read(session, found, services().clock())
    return made


@pages.post("/courses/<course>/submissions/<public_id>/questions")
@limiter.limit("30 per hour", key_func=whoever_asks)
@in_course(Role.STUDENT)
def ask(seat: Seat, public_id: str) -> BaseResponse | tuple[str, int]:
    """Ask about a check of one's own that lost marks."""
    found = access.submission(seat, public_id, report=True)
    if not access.is_own(seat, found) or not access.shown(seat, found.assignment).scores:
        abort(403)
    exercise, check, text = (request.form.get(name, "") for name in ("exercise", "check", "text"))
    try:
        with services().database.write() as session:
            row = session.get_one(Submission, found.id, options=[undefer(Submission.report)])
            by, at = session.get_one(User, seat.user.id), services().clock()
            asked = questions.ask(session, row, exercise, check, text, at=at, by=by)
            session.flush()
            anchor = f"question-{asked.id}"
    except questions.NotAsked as error:
        flash(str(error))
        return page(seat, found, Refused(exercise, check, text, str(error))), 422
    where = url_for(".submission", course=seat.course.slug, public_id=public_id, _anchor=anchor)
    return redirect(where, 303)


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


def _whose(seat: Seat, found: Submission) -> int:
    """Whose grade is looked at: of a team's each one's own."""
    return found.user_id if seat.is_staff else seat.user.id


def _has_new(comments: Sequence[Comment], asked: Sequence[Question]) -> bool:
    answers = (one.read_at for one in asked if one.answered_at is not None)
    return None in (*(comment.read_at for comment in comments), *answers)


def _questions(
    seat: Seat, found: Submission, asked: Sequence[Question], refused: Refused | None
) -> tuple[AtCheck, list[Question]]:
    """One's own questions at their checks, and a way to ask about the others."""
    address = url_for(".ask", course=seat.course.slug, public_id=found.public_id)
    form = get_template_attribute("_desk.html", "ask")
    question = get_template_attribute("_desk.html", "question")
    answers = access.shown(seat, found.assignment).comments
    number = count(1)

    def ask(exercise: str, check: str) -> Markup:
        if not access.is_own(seat, found):
            return Markup("")
        place = f"why-{next(number)}"
        if refused is not None and (refused.exercise, refused.check) == (exercise, check):
            made = form(address, exercise, check, place, refused.text, refused.why)
        else:
            made = form(address, exercise, check, place)
        return Markup(made)  # noqa: S704 - a template of ours, which escapes

    def show(one: Question) -> Markup:
        made = question(one, found.user.name, unread=True, answers=answers)
        return Markup(made)  # noqa: S704 - the same

    return desk.asking(asked, show, ask)


def _report(found: Submission, shown: Shown) -> Report | None:
    if found.report is None or not shown.scores:
        return None
    view = services().engine.views["student"](as_shown(found.report, shown))
    return in_points(view, found.assignment.automatic_points)


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
        if device == "cpu":
            return _(
                "Nothing is being graded at the moment, because no grader is running. Your file is "
                "stored, and it is graded as soon as there is one."
            )
        return _(
            "Nothing is being graded at the moment, because no grader with a working %(device)s "
            "device is running. Your file is stored, and it is graded as soon as there is one.",
            device=device,
        )
    if submission.state is State.GRADING:
        if not submission.total:
            return _("Grading has begun.")
        number = submission.done + 1
        return _(
            "Exercise %(number)s of %(total)s: %(exercise)s",
            number=number,
            total=submission.total,
            exercise=submission.exercise,
        )
    if position is None:
        return ""
    if position == 1:
        return _("Yours is next.")
    return ngettext(
        "%(num)s submission is graded before yours.",
        "%(num)s submissions are graded before yours.",
        position - 1,
    )
