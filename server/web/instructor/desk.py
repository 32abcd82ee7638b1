"""The marking desk: one submission, its code beside its report, words at its lines, points, and the
way to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from flask import abort, flash, get_template_attribute, redirect, render_template, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response as BaseResponse

from server.engine import Report
from server.grades import marking, questions, saved, teams
from server.grades.scale import in_points
from server.language import _
from server.language import number as signed
from server.storage.files import FileGone
from server.storage.models import (
    Adjustment,
    Assignment,
    Comment,
    Enrolment,
    Grade,
    LookedAt,
    Question,
    Role,
    SavedComment,
    Submission,
    User,
)
from server.web import access, code, desk
from server.web.access import Seat, in_course
from server.web.code import Piece
from server.web.instructor import lists
from server.web.instructor.blueprint import pages
from server.web.instructor.forms import CommentForm, PointsForm
from server.web.instructor.lists import Wanted
from server.web.instructor.versions import is_older
from server.web.services import services


@dataclass(frozen=True)
class Refused:
    """A form that was not accepted: it is shown again where it stood."""

    comment: CommentForm | None = None
    points: PointsForm | None = None
    # By the question's id: what was to be answered, and why it was not.
    answers: Mapping[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def exercise(self) -> str:
        form = self.comment or self.points
        return (form.exercise.data or "") if form else ""


@pages.get("/submissions/<public_id>/")
@in_course(Role.ASSISTANT)
def submission(seat: Seat, public_id: str) -> str:
    return page(seat, access.submission(seat, public_id, report=True))


@pages.post("/submissions/<public_id>/comments")
@in_course(Role.ASSISTANT)
def comment(seat: Seat, public_id: str) -> BaseResponse | tuple[str, int]:
    """On all of it, or at a line."""
    found = access.submission(seat, public_id, report=True)
    form = CommentForm()
    where = None
    if form.validate_on_submit() and (form.place.data or form.line.data is not None):
        where = form.place.data or "", form.line.data or 0
        if where[1] not in _lines(found, where[0]):
            form.line.errors = [
                _(
                    "There is no line %(line)s in %(place)s.",
                    line=where[1] or "",
                    place=where[0] or _("no file"),
                )
            ]
    if form.errors:
        return page(seat, found, Refused(comment=form)), 422
    exercise = form.exercise.data or ""
    with services().database.write() as session:
        text = (form.text.data or "").strip() or _saved(session, seat, form.saved.data)
        actor, now = session.get_one(User, seat.user.id), services().clock()
        marking.comment(
            session,
            session.get_one(Submission, found.id),
            text,
            for_staff=form.for_staff.data,
            at=now,
            actor=actor,
            where=where,
        )
        if form.keep.data and form.keep.data in _misconceptions(found.report, exercise):
            try:
                saved.keep(
                    session, seat.course, exercise, form.keep.data, text, at=now, actor=actor
                )
            except saved.TooMany as error:
                flash(_("The comment is written. %(error)s", error=error))
    return back(seat, public_id, f"exercise-{exercise}" if exercise else "comments")


@pages.post("/submissions/<public_id>/points")
@in_course(Role.INSTRUCTOR)
def adjust_here(seat: Seat, public_id: str) -> BaseResponse | tuple[str, int]:
    """Give or take points without leaving; the reason names the exercise."""
    found = access.submission(seat, public_id, report=True)
    form = PointsForm()
    if not form.validate_on_submit():
        return page(seat, found, Refused(points=form)), 422
    exercise, reason = (form.exercise.data or "").strip(), form.reason.data.strip()
    points = float(form.points.data)
    with services().database.write() as session:
        marking.adjust(
            session,
            session.get_one(Assignment, found.assignment_id),
            found.user_id,
            points,
            f"{exercise}: {reason}"[:1000] if exercise else reason,
            submission=session.get_one(Submission, found.id),
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    flash(
        _(
            "%(assignment)s: %(points)s points for %(user)s.",
            assignment=found.assignment.title,
            points=signed(points, signed=True),
            user=found.user.name,
        )
    )
    return back(seat, public_id, f"exercise-{exercise}" if exercise else None)


@pages.post("/submissions/<public_id>/done")
@in_course(Role.ASSISTANT)
def done(seat: Seat, public_id: str) -> BaseResponse:
    """Looked at; on to the next of the list. Once more: to be looked at again."""
    found = access.submission(seat, public_id)
    with services().database.write() as session:
        if session.get(LookedAt, found.id) is None:
            actor = session.get_one(User, seat.user.id)
            marking.done(session, found, services().clock(), actor)
            wanted = _wanted(session, seat, found)
            assignments = Assignment.of(session, seat.course)
            following = lists.neighbours(session, seat, assignments, wanted, found).later
            if following is None:
                flash(_("That was the last one of this list."))
            return back(seat, following or public_id)
        marking.not_done(session, found)
    return back(seat, public_id)


@pages.post("/submissions/<public_id>/again")
@in_course(Role.ASSISTANT)
def try_again(seat: Seat, public_id: str) -> BaseResponse:
    """Queue one anew that failed through a fault of ours, or was superseded."""
    found = access.submission(seat, public_id)
    if services().queue.try_again(found.id):
        flash(_("It waits to be graded again."))
    else:
        flash(_("It is graded or waits to be: to grade it anew, start a regrade."))
    return back(seat, public_id)


def back(seat: Seat, public_id: str, anchor: str | None = None) -> BaseResponse:
    """To the desk, with the list that one goes through."""
    with services().database.read() as session:
        query = Wanted.from_request(Assignment.of(session, seat.course)).query
    address = {**query, "course": seat.course.slug, "public_id": public_id}
    return redirect(url_for(".submission", _anchor=anchor, **address), 303)


def _wanted(session: Session, seat: Seat, found: Submission) -> Wanted:
    """The list that one came from; else that of the assignment."""
    asked = Wanted.from_request(Assignment.of(session, seat.course))
    if asked.query:
        return asked
    own = session.get(Assignment, found.assignment_id)
    return Wanted(own, "", "", None, "", "", "", False, 0)


def page(seat: Seat, found: Submission, refused: Refused | None = None) -> str:
    refused = refused or Refused()
    with services().database.read() as session:
        assignments = Assignment.of(session, seat.course)
        wanted = _wanted(session, seat, found)
        comments = session.scalars(
            select(Comment)
            .where(Comment.submission_id == found.id)
            .options(joinedload(Comment.author))
            .order_by(Comment.id)
        ).all()
        owners = session.scalars(
            select(User)
            .where(User.id.in_(teams.owners(session, found)), User.id != found.user_id)
            .order_by(User.name, User.id)
        ).all()
        others = session.scalars(
            select(Submission)
            .where(Submission.assignment_id == found.assignment_id, teams.beside(found))
            .order_by(Submission.number)
        ).all()
        grade = session.get(Grade, (found.assignment_id, found.user_id))
        adjustments = session.scalars(
            select(Adjustment)
            .where(
                Adjustment.assignment_id == found.assignment_id,
                Adjustment.user_id == found.user_id,
            )
            .options(joinedload(Adjustment.adjusted_by))
            .order_by(Adjustment.id)
        ).all()
        asked = questions.of(session, found)
        enrolment = session.get(Enrolment, (seat.course.id, found.user_id))
        looked = session.get(LookedAt, found.id, options=[joinedload(LookedAt.looked_by)])
        neighbours = lists.neighbours(session, seat, assignments, wanted, found)
        offered = saved.about(session, seat.course, _misconceptions(found.report))
    at_check, left = desk.asking(asked, partial(_question, seat, found, wanted, refused))
    pieces = _pieces(found)
    report = None
    if found.report is not None:
        view = services().engine.views["instructor"](found.report)
        report = in_points(view, found.assignment.automatic_points)
    return render_template(
        "instructor/submission.html",
        submission=found,
        wanted=wanted,
        neighbours=neighbours,
        looked=looked,
        others=others,
        team=owners,
        grade=grade,
        adjustments=adjustments,
        enrolment=enrolment,
        desk=desk.desk(
            pieces or [],
            report,
            found.assignment.topic,
            comments,
            only=refused.exercise or wanted.exercise,
            at_check=at_check,
        ),
        questions=[_question(seat, found, wanted, refused, one) for one in left],
        missing=pieces is None,
        saved=_by_misconception(offered),
        older=is_older(found),
        refused=refused,
        forms={"comment": CommentForm(formdata=None), "points": PointsForm(formdata=None)},
    )


def _question(
    seat: Seat, found: Submission, wanted: Wanted, refused: Refused, one: Question
) -> Markup:
    """A question with the form for its answer."""
    address = {**wanted.query, "course": seat.course.slug, "question_id": one.id}
    shown = get_template_attribute("_desk.html", "asked")
    text, why = refused.answers.get(one.id, ("", ""))
    where = url_for(".answer", **address)
    made = shown(one, found.user.name, where, seat.is_instructor, text, why)
    return Markup(made)  # noqa: S704 - a template of ours, which escapes


def _pieces(found: Submission) -> list[Piece] | None:
    """None where the stored file is missing."""
    try:
        return code.pieces(found.filename, services().files.read(found.public_id))
    except FileGone:
        return None


def _lines(found: Submission, place: str) -> range:
    """The numbers of the lines of that file or cell."""
    lines = [len(piece.lines) for piece in _pieces(found) or () if piece.title == place]
    return range(1, lines[0] + 1) if lines else range(0)


def _misconceptions(report: Report | None, exercise: str | None = None) -> set[str]:
    """Those that the report names, of all exercises or of one."""
    return {
        entry["name"]
        for one in (report["exercises"] if report else ())
        if exercise in (None, one["name"])
        for entry in one["diagnosis"]
    }


def _by_misconception(offered: Sequence[SavedComment]) -> dict[str, list[SavedComment]]:
    found: dict[str, list[SavedComment]] = {}
    for one in offered:
        found.setdefault(one.misconception, []).append(one)
    return found


def _saved(session: Session, seat: Seat, saved_id: int | None) -> str:
    chosen = session.get(SavedComment, saved_id) if saved_id is not None else None
    if chosen is None or chosen.course_id != seat.course.id:
        abort(404)
    return chosen.text
