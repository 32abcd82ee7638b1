"""What a student thinks of a check that lost marks, and what becomes of that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session, joinedload

from server import outbox
from server.grades import teams
from server.language import _
from server.storage import audit
from server.storage.models import (
    Assignment,
    Course,
    Kind,
    Question,
    QuestionState,
    Submission,
    User,
)

LONGEST = 2000  # characters of a question
MOST_OPEN = 5  # of a student in one course
MOST = 30  # of a student for one assignment, whatever became of them


class NotAsked(ValueError):
    """The message is one sentence that says why."""


_OF = (
    select(Question)
    .where(Question.submission_id == bindparam("submission"))
    .options(joinedload(Question.answered_by))
    .order_by(Question.id)
)


def of(session: Session, submission: Submission) -> Sequence[Question]:
    return session.scalars(_OF, {"submission": submission.id}).all()


def of_course(course: Course, state: QuestionState | None) -> Select[Question]:
    """The course's, with who asked, the newest first."""
    query = (
        select(Question)
        .join(Question.submission)
        .join(Submission.assignment)
        .where(Assignment.course_id == course.id)
        .options(
            joinedload(Question.answered_by),
            joinedload(Question.submission).joinedload(Submission.user),
            joinedload(Question.submission).joinedload(Submission.assignment),
        )
        .order_by(Question.id.desc())
    )
    return query if state is None else query.where(Question.state == state)


def how_many_open(session: Session, course: Course) -> int:
    query = of_course(course, QuestionState.OPEN).order_by(None)
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def ask(
    session: Session,
    submission: Submission,
    exercise: str,
    check: str,
    text: str,
    *,
    at: datetime,
    by: User | None = None,
) -> Question:
    """Ask about a check of one's own submission.

    Args:
        submission: with its report.
        by: who of a team asks; None: who handed it in.

    Raises:
        NotAsked: it is too long or too many are open, the check has lost nothing, or it was asked.
    """
    text = text.strip()
    if not text:
        raise NotAsked(_("Say why you think that it is right."))
    if len(text) > LONGEST:
        raise NotAsked(
            _(
                "A question has %(most)s characters at most: yours has %(count)s.",
                most=LONGEST,
                count=len(text),
            )
        )
    if not _lost(submission, exercise, check):
        raise NotAsked(_("This check has lost no marks in the report as it is now."))
    # Alone at the student's course, so that two requests at a time are not one too many.
    assignment = session.get_one(Assignment, submission.assignment_id)
    session.get_one(User, submission.user_id, with_for_update=True)
    mine = (
        select(func.count())
        .select_from(Question)
        .join(Question.submission)
        .join(Submission.assignment)
        .where(Submission.user_id == submission.user_id)
    )
    still_open = mine.where(
        Question.state == QuestionState.OPEN, Assignment.course_id == assignment.course_id
    )
    if (session.scalar(still_open) or 0) >= MOST_OPEN:
        raise NotAsked(
            _("%(count)s of your questions are open: wait for an answer to one.", count=MOST_OPEN)
        )
    if (session.scalar(mine.where(Assignment.id == assignment.id)) or 0) >= MOST:
        raise NotAsked(
            _(
                "You have asked %(count)s questions about this assignment: no more are taken.",
                count=MOST,
            )
        )
    same = (Question.submission_id == submission.id, Question.exercise == exercise)
    if session.scalar(select(Question.id).where(*same, Question.check_name == check)) is not None:
        raise NotAsked(_("You have asked about this check already."))
    question = Question(
        submission_id=submission.id,
        exercise=exercise,
        check_name=check,
        text=text,
        asked_at=at,
        state=QuestionState.OPEN,
    )
    session.add(question)
    _record(session, audit.Action.QUESTION_ASKED, question, submission, assignment, at, by)
    return question


def answer(
    session: Session,
    question: Question,
    state: QuestionState,
    text: str,
    *,
    at: datetime,
    actor: User,
) -> None:
    """Say what becomes of it; once more, in place of what was said before.

    Args:
        question: locked.
    """
    question.state, question.answer = state, text
    question.answered_by_id, question.answered_at, question.read_at = actor.id, at, None
    submission = question.submission
    _record(
        session,
        audit.Action.QUESTION_ANSWERED,
        question,
        submission,
        submission.assignment,
        at,
        actor,
        state=state.value,
    )
    for user in teams.owners(session, submission):
        key = str(question.id) if user == submission.user_id else f"{question.id}:{user}"
        outbox.renew(session, Kind.ANSWER, user, key, at=at, question=question.id)


def _lost(submission: Submission, exercise: str, check: str) -> bool:
    """Whether the report has such a check with fewer points than it could have."""
    return any(
        one["score"] < one["max_score"]
        for part in (submission.report or {"exercises": []})["exercises"]
        if part["name"] == exercise
        for one in part["checks"]
        if one["name"] == check
    )


def _record(
    session: Session,
    action: audit.Action,
    question: Question,
    submission: Submission,
    assignment: Assignment,
    at: datetime,
    actor: User | None,
    **detail: str,
) -> None:
    audit.record(
        session,
        action,
        f"user:{submission.user_id}",
        at=at,
        actor=actor or submission.user,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        attempt=submission.number,
        exercise=question.exercise,
        check=question.check_name,
        **detail,
    )
