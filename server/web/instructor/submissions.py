"""Submissions as staff see them: found by many things, and one with its code, report and talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Select, and_, func, select, tuple_, union_all
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response as BaseResponse

from server.grades import marking
from server.grades.scale import in_points
from server.storage.files import FileGone
from server.storage.models import (
    Assignment,
    Comment,
    Enrolment,
    Grade,
    MisconceptionFound,
    Role,
    State,
    Submission,
    User,
)
from server.web import access, code
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import here, number, pages, people_named
from server.web.instructor.forms import AdjustmentForm, CommentForm, ReplyForm
from server.web.instructor.glance import enrolled
from server.web.instructor.versions import is_older
from server.web.services import services

_ROWS = 50
_ITS_GRADE = and_(
    Grade.assignment_id == Submission.assignment_id, Grade.user_id == Submission.user_id
)


@dataclass(frozen=True)
class Wanted:
    """What is searched for; "" and None ask for nothing."""

    assignment: Assignment | None
    exercise: str
    misconception: str
    state: State | None
    search: str
    counting: bool
    before: int  # only older ones than this id; 0: from the newest on

    @classmethod
    def from_request(cls, assignments: Sequence[Assignment]) -> Wanted:
        slugs = {assignment.slug: assignment for assignment in assignments}
        state = request.args.get("state", "")
        return cls(
            slugs.get(request.args.get("assignment", "")),
            request.args.get("exercise", "")[:200],
            request.args.get("misconception", "")[:200],
            State(state) if state in list(State) else None,
            request.args.get("search", "").strip()[:100],
            request.args.get("which") == "counting",
            number("before"),
        )


@pages.get("/submissions")
@in_course(Role.ASSISTANT)
def submissions(seat: Seat) -> str:
    """The newest first."""
    return _listed(seat)


@pages.post("/submissions")
@in_course(Role.ASSISTANT)
def reply(seat: Seat) -> BaseResponse | tuple[str, int]:
    """One comment for all who have the misconception that is searched for."""
    form = ReplyForm()
    if not form.validate_on_submit():
        return _listed(seat, form), 422
    with services().database.write() as session:
        wanted = Wanted.from_request(Assignment.of(session, seat.course))
        if not wanted.misconception or wanted.assignment is None:
            abort(422)
        having = session.scalars(_counting(seat, wanted.assignment, wanted)).all()
        now, actor = services().clock(), session.get_one(User, seat.user.id)
        written = marking.comment_on_all(session, having, form.text.data.strip(), now, actor)
    flash(f"{written} of {len(having)} students have a new comment.")
    return redirect(here(), 303)


def _listed(seat: Seat, form: ReplyForm | None = None) -> str:
    with services().database.read() as session:
        assignments = Assignment.of(session, seat.course)
        wanted = Wanted.from_request(assignments)
        found = _found(session, assignments, wanted)
        hint = _hint(session, wanted)
        having = 0
        if wanted.misconception and wanted.assignment is not None:
            all_of_them = _counting(seat, wanted.assignment, wanted).subquery()
            having = session.scalar(select(func.count()).select_from(all_of_them)) or 0
    return render_template(
        "instructor/submissions.html",
        assignments=assignments,
        wanted=wanted,
        options={
            "assignments": [(a.slug, a.title) for a in assignments],
            "states": [(state.value, state.value) for state in State],
        },
        hint=hint,
        found=found[:_ROWS],
        older=found[_ROWS - 1][0].id if len(found) > _ROWS else None,
        having=having,
        form=form or ReplyForm(formdata=None),
    )


@pages.get("/submissions/<public_id>/")
@in_course(Role.ASSISTANT)
def submission(seat: Seat, public_id: str) -> str:
    return _submission(seat, access.submission(seat, public_id, report=True))


@pages.post("/submissions/<public_id>/comments")
@in_course(Role.ASSISTANT)
def comment(seat: Seat, public_id: str) -> BaseResponse | tuple[str, int]:
    found = access.submission(seat, public_id, report=True)
    form = CommentForm()
    if not form.validate_on_submit():
        return _submission(seat, found, form), 422
    with services().database.write() as session:
        marking.comment(
            session,
            session.get_one(Submission, found.id),
            form.text.data.strip(),
            for_staff=form.for_staff.data,
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    return _back(seat, public_id, "comments")


@pages.post("/submissions/<public_id>/again")
@in_course(Role.ASSISTANT)
def try_again(seat: Seat, public_id: str) -> BaseResponse:
    """Queue one anew that failed through a fault of ours, or was superseded."""
    found = access.submission(seat, public_id)
    if services().queue.try_again(found.id):
        flash("It waits to be graded again.")
    else:
        flash("It is graded or waits to be: to grade it anew, start a regrade.")
    return _back(seat, public_id)


def _back(seat: Seat, public_id: str, anchor: str | None = None) -> BaseResponse:
    return redirect(
        url_for(".submission", course=seat.course.slug, public_id=public_id, _anchor=anchor),
        303,
    )


def _submission(seat: Seat, found: Submission, form: CommentForm | None = None) -> str:
    with services().database.read() as session:
        comments = session.scalars(
            select(Comment)
            .where(Comment.submission_id == found.id)
            .options(joinedload(Comment.author))
            .order_by(Comment.id)
        ).all()
        others = session.scalars(
            select(Submission)
            .where(
                Submission.assignment_id == found.assignment_id,
                Submission.user_id == found.user_id,
            )
            .order_by(Submission.number)
        ).all()
        grade = session.get(Grade, (found.assignment_id, found.user_id))
        enrolment = session.get(Enrolment, (seat.course.id, found.user_id))
    try:
        pieces = code.pieces(found.filename, services().files.read(found.public_id))
        missing = False
    except FileGone:
        pieces, missing = [], True
    return render_template(
        "instructor/submission.html",
        submission=found,
        comments=comments,
        others=others,
        grade=grade,
        enrolment=enrolment,
        pieces=pieces,
        written=code.by_exercise(pieces, found.report, code.asked(found.assignment.topic))
        if found.report
        else [],
        missing=missing,
        older=is_older(found),
        report=services().engine.show_all(in_points(found.report, found.assignment.points))
        if found.report
        else None,
        form=form or CommentForm(formdata=None),
        adjustment_form=AdjustmentForm(formdata=None),
    )


def _found(
    session: Session, assignments: Sequence[Assignment], wanted: Wanted
) -> Sequence[tuple[Submission, User, Assignment, int | None]]:
    """With the id of the one that counts; one more than a page, where there are more.

    The newest of each assignment are found by an index that has them in order, and then merged:
    asked for all at once, a database would sort everything that was ever handed in.
    """
    chosen = [wanted.assignment] if wanted.assignment else assignments
    newest = union_all(*(select(_newest(a, wanted).subquery()) for a in chosen)).subquery()
    query = (
        select(Submission, User, Assignment, Grade.submission_id)
        .join(newest, newest.c.id == Submission.id)
        .join(User, User.id == Submission.user_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .outerjoin(Grade, _ITS_GRADE)
        .order_by(newest.c.received_at.desc(), newest.c.id.desc())
        .limit(_ROWS + 1)
    )
    return session.execute(query).all()


def _newest(assignment: Assignment, wanted: Wanted) -> Select[int, datetime]:
    query = (
        select(Submission.id, Submission.received_at)
        .where(Submission.assignment_id == assignment.id)
        .order_by(Submission.received_at.desc(), Submission.id.desc())
        .limit(_ROWS + 1)
    )
    if wanted.before:
        received_at = select(Submission.received_at).where(Submission.id == wanted.before)
        query = query.where(
            tuple_(Submission.received_at, Submission.id)
            < tuple_(received_at.scalar_subquery(), wanted.before)
        )
    if wanted.state:
        query = query.where(Submission.state == wanted.state)
    if wanted.counting:
        query = query.join(Grade, _ITS_GRADE).where(Grade.submission_id == Submission.id)
    if wanted.search:
        found = select(User.id).where(people_named(wanted.search))
        query = query.where(Submission.user_id.in_(found))
    if wanted.misconception:
        query = query.where(Submission.id.in_(_having(wanted)))
    return query


def _counting(seat: Seat, assignment: Assignment, wanted: Wanted) -> Select[Submission]:
    """The submissions that count and have the misconception, of those who are in the course."""
    return (
        select(Submission)
        .join(Grade, _ITS_GRADE)
        .join(Enrolment, enrolled(seat.course, Submission.user_id))
        .where(
            Submission.assignment_id == assignment.id,
            Grade.submission_id == Submission.id,
            Submission.id.in_(_having(wanted)),
        )
        .order_by(Submission.id)
    )


def _having(wanted: Wanted) -> Select[int]:
    query = select(MisconceptionFound.submission_id).where(
        MisconceptionFound.name == wanted.misconception
    )
    if wanted.exercise:
        query = query.where(MisconceptionFound.exercise == wanted.exercise)
    return query


def _hint(session: Session, wanted: Wanted) -> str | None:
    if not wanted.misconception:
        return None
    query = select(MisconceptionFound.hint).where(
        MisconceptionFound.submission_id.in_(_having(wanted)),
        MisconceptionFound.name == wanted.misconception,
    )
    return session.scalar(query.limit(1))
