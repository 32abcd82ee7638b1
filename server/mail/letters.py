"""What each kind of mail says, worked out when it is sent: by then it may be true no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import outbox
from server.grades import moments, teams
from server.grades.deadlines import deadlines
from server.grades.release import Part, is_shown
from server.people import accounts
from server.storage.models import (
    Announcement,
    Assignment,
    Comment,
    Enrolment,
    Kind,
    Outgoing,
    Question,
    QuestionState,
    State,
    Submission,
    User,
)

_QUOTED = 2000  # characters of a comment


@dataclass(frozen=True)
class Letter:
    subject: str
    paragraphs: tuple[str, ...]
    path: str  # on this server, of what it is about
    words: str  # of the link there
    quote: str = ""  # what somebody wrote


def compose(session: Session, row: Outgoing, at: datetime) -> Letter | None:
    """What the row says now; None when it is true no more.

    Raises:
        outbox.Held: the student may not see it yet.
    """
    return _KINDS[row.kind](session, row, row.user, at)


def _invitation(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    """The link is made now, so that no secret waits anywhere."""
    by = session.get(User, row.about["by"]) if row.about.get("by") else None
    if by is not None and (by.disabled or not accounts.may_invite(session, by, user)):
        return None
    token = accounts.invite(session, user, at=at, actor=by)
    places = session.scalars(
        select(Enrolment).where(Enrolment.user_id == user.id, Enrolment.here)
    ).all()
    courses = ", ".join(place.course.title for place in places)
    return Letter(
        f"Your account for {courses}" if courses else "Your account at Gradmark",
        (
            f"{by.name if by else 'The operator of the server'} has made an account for you"
            f"{f', in {courses}' if courses else ''}. You log in by the address "
            f"{user.email}.",
            f"Choose a password by this link. It holds for {accounts.INVITATION_LASTS.days} days "
            "and for one use.",
        ),
        f"/invitations/{token}",
        "Choose a password",
    )


def _reset(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    if not accounts.may_reset(session, user):
        return None
    token = accounts.reset(session, user, at=at)
    hours = accounts.RESET_LASTS.total_seconds() / 3600
    return Letter(
        "A new password",
        (
            f"Somebody, probably you, asked for a new password for {user.email}.",
            f"Choose one by this link. It holds for {hours:g} hours and for one use. If it was not "
            "you, do nothing: your password stays as it is.",
        ),
        f"/invitations/{token}",
        "Choose a new password",
    )


def _comment(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    comment = session.get(Comment, row.about["comment"])
    if comment is None or comment.for_staff:
        return None
    submission, text = comment.submission, comment.text
    if not _is_in(session, submission.assignment, user):
        return None
    if not is_shown(submission.assignment, Part.COMMENTS, at):
        raise outbox.Held
    return Letter(
        f"{comment.author.name} on {submission.assignment.title}",
        (f"{comment.author.name} wrote about your attempt {submission.number}:",),
        _of(submission),
        "See the attempt",
        text if len(text) <= _QUOTED else text[:_QUOTED] + " …",
    )


def _answer(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    question = session.get(Question, row.about["question"])
    if question is None or question.answered_by is None:
        return None
    submission, text = question.submission, question.answer
    if not _is_in(session, submission.assignment, user):
        return None
    if not is_shown(submission.assignment, Part.COMMENTS, at):
        raise outbox.Held
    became = {
        QuestionState.ACCEPTED: " It is accepted: your points are looked at again.",
        QuestionState.DECLINED: " The points stay as they are.",
    }.get(question.state, "")
    return Letter(
        f"{submission.assignment.title}: an answer about {question.exercise}",
        (
            f"{question.answered_by.name} answered your question about {question.check_name} of "
            f"{question.exercise}, attempt {submission.number}.{became}",
        ),
        f"{_of(submission)}#question-{question.id}",
        "See the answer",
        text if len(text) <= _QUOTED else text[:_QUOTED] + " …",
    )


def _announcement(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    found = session.get(Announcement, row.about["announcement"])
    if found is None or found.withdrawn_at is not None or found.told != row.about["told"]:
        return None
    place = session.get(Enrolment, (found.course_id, user.id))
    if place is None or not place.here or found.section not in ("", place.section):
        return None
    to = f" to section {found.section}" if found.section else ""
    return Letter(
        f"{place.course.title}: {found.title}",
        (f"{found.author.name} announced{to}:",),
        f"/courses/{place.course.slug}/#announcement-{found.id}",
        "See it on the course's page",
        found.text if len(found.text) <= _QUOTED else found.text[:_QUOTED] + " …",
    )


def _fault_over(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    submission = session.get(Submission, row.about["submission"])
    if submission is None or submission.state is not State.GRADED:
        return None
    if not _is_in(session, submission.assignment, user):
        return None
    return Letter(
        f"{submission.assignment.title}: your attempt is graded",
        (
            f"Your attempt {submission.number} could not be graded through a fault of the server's."
            " It is graded now. The fault has cost you no attempt and no points.",
        ),
        _of(submission),
        "See the attempt",
    )


def _due(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    assignment = session.get(Assignment, row.about["assignment"])
    if assignment is None or assignment.hidden or not _is_in(session, assignment, user):
        return None
    mine = (Submission.assignment_id == assignment.id, teams.theirs(user.id))
    if session.scalar(select(Submission.id).where(*mine).limit(1)) is not None:
        return None
    zone = ZoneInfo(assignment.course.timezone)
    extension = teams.extension(session, assignment, user.id)
    due = deadlines(assignment, extension, zone).due_at
    if due <= at:
        return None
    return Letter(
        f"{assignment.title} is due {moments.away(due, at)}",
        (
            f"{assignment.title}, in {assignment.course.title}, is due on "
            f"{moments.spelled(due, zone)}. You have handed in nothing for it yet.",
        ),
        f"/courses/{assignment.course.slug}/assignments/{assignment.slug}/",
        "To the assignment",
    )


def _no_grader(session: Session, row: Outgoing, user: User, at: datetime) -> Letter | None:
    if not user.is_admin:
        return None
    count = row.about["waiting"]
    return Letter(
        "No grader is running",
        (
            f"{count} {'submission waits' if count == 1 else 'submissions wait'} to be graded, and "
            "no grader has given a sign of life. What is handed in is kept. The server's log says "
            "why its graders ended; `gradmark grader` starts one.",
        ),
        "/healthz",
        "How the server is",
    )


def _is_in(session: Session, assignment: Assignment, user: User) -> bool:
    place = session.get(Enrolment, (assignment.course_id, user.id))
    return place is not None and place.here


def _of(submission: Submission) -> str:
    return f"/courses/{submission.assignment.course.slug}/submissions/{submission.public_id}/"


_Compose: TypeAlias = Callable[[Session, Outgoing, User, datetime], Letter | None]
_KINDS: dict[Kind, _Compose] = {
    Kind.INVITATION: _invitation,
    Kind.RESET: _reset,
    Kind.COMMENT: _comment,
    Kind.ANSWER: _answer,
    Kind.ANNOUNCEMENT: _announcement,
    Kind.FAULT_OVER: _fault_over,
    Kind.DUE: _due,
    Kind.NO_GRADER: _no_grader,
}
KINDS = tuple(_KINDS)
