"""What students ask about their checks: the course's list, and the answer, which is written on the
desk."""

from __future__ import annotations

import math

from flask import abort, flash, render_template, request
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as BaseResponse

from server.grades import marking, questions
from server.grading import regrades
from server.grading.regrades import Which
from server.language import _
from server.storage.models import Assignment, Question, QuestionState, Role, Submission, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor import desk
from server.web.instructor.blueprint import number, pages
from server.web.services import services

_ROWS = 50
_LONGEST_ANSWER = 10_000
_MOST_POINTS = 10_000


class Refused(ValueError):
    """The answer is not taken; the message is one sentence."""


@pages.get("/questions")
@in_course(Role.ASSISTANT)
def all_questions(seat: Seat) -> str:
    """The open ones, or those of another state, or all; the newest first."""
    asked = request.args.get("state", QuestionState.OPEN.value)
    state = QuestionState(asked) if asked in list(QuestionState) else None
    before = number("before")
    query = questions.of_course(seat.course, state).limit(_ROWS + 1)
    if before:
        query = query.where(Question.id < before)
    with services().database.read() as session:
        found = session.scalars(query).all()
    return render_template(
        "instructor/questions.html",
        questions=found[:_ROWS],
        older=found[_ROWS - 1].id if len(found) > _ROWS else None,
        before=before,
        state=state.value if state else "all",
        states=[*((one.value, _(one.value)) for one in QuestionState), ("all", _("all"))],
    )


@pages.post("/questions/<int:question_id>")
@in_course(Role.ASSISTANT)
def answer(seat: Seat, question_id: int) -> BaseResponse | tuple[str, int]:
    """Answer, accept (with points, or the student's attempts graded anew) or decline."""
    text = request.form.get("answer", "").strip()
    now = services().clock()
    with services().database.read() as session:
        known = session.scalar(_of(seat, question_id))
    if known is None:
        abort(404)
    public_id = known.submission.public_id
    try:
        state, points, anew = _state(text), _points(seat), request.form.get("regrade") == "y"
        if state is not QuestionState.ACCEPTED and (points or anew):
            raise Refused(_("Points and a regrade belong to a question that is accepted."))
        with services().database.write() as session:
            question = session.scalars(_of(seat, question_id).with_for_update(of=Question)).one()
            actor, submission = session.get_one(User, seat.user.id), question.submission
            about = f"Question on {question.check_name} of {question.exercise}"
            questions.answer(session, question, state, text, at=now, actor=actor)
            if points:
                marking.adjust(
                    session,
                    submission.assignment,
                    submission.user_id,
                    points,
                    about,
                    submission=submission,
                    at=now,
                    actor=actor,
                )
            if anew:
                regrades.start(
                    session,
                    submission.assignment,
                    {submission.user_id},
                    Which.COULD_COUNT,
                    about,
                    at=now,
                    actor=actor,
                )
    except (Refused, regrades.RegradeError) as error:
        found = access.submission(seat, public_id, report=True)
        refused = desk.Refused(answers={question_id: (text, str(error))})
        return desk.page(seat, found, refused), 422
    flash(_("The question is %(state)s, and the student is told.", state=_(state.value)))
    if anew:
        flash(_("A regrade is on its way: apply it on the page Regrades when it is complete."))
    return desk.back(seat, public_id, f"question-{question_id}")


def _of(seat: Seat, question_id: int) -> Select[Question]:
    return (
        select(Question)
        .join(Question.submission)
        .join(Submission.assignment)
        .where(Question.id == question_id, Assignment.course_id == seat.course.id)
        .options(joinedload(Question.submission).joinedload(Submission.assignment))
    )


def _state(text: str) -> QuestionState:
    said = request.form.get("state", "")
    if said not in list(QuestionState) or said == QuestionState.OPEN:
        raise Refused(_("Say whether it is answered, accepted or declined."))
    if len(text) > _LONGEST_ANSWER:
        raise Refused(_("An answer has %(most)s characters at most.", most=_LONGEST_ANSWER))
    state = QuestionState(said)
    if not text and state is not QuestionState.ACCEPTED:
        raise Refused(_("Say why: there is nothing in the answer."))
    return state


def _points(seat: Seat) -> float:
    """Those to give by hand; 0 for none."""
    said = request.form.get("points", "").strip()
    if not said:
        return 0.0
    if not seat.is_instructor:
        abort(403)
    try:
        points = float(said)
    except ValueError:
        points = math.nan
    if not 0 <= points <= _MOST_POINTS:
        raise Refused(_("Points are a number from 0 to %(most)s.", most=_MOST_POINTS))
    return points
