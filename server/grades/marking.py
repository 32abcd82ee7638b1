"""What staff do for one student: more time, points by hand, a word about a submission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from server import outbox
from server.grades import grades, teams
from server.storage import audit
from server.storage.models import (
    Adjustment,
    Assignment,
    Comment,
    Extension,
    Kind,
    LookedAt,
    Question,
    Submission,
    User,
)


def grant(
    session: Session,
    assignment: Assignment,
    user: int,
    *,
    due_at: datetime | None,
    late_until: datetime | None,
    extra_attempts: int,
    extra_minutes: int = 0,
    reason: str,
    at: datetime,
    actor: User,
) -> None:
    """Give a student other dates (None: as for everyone), more attempts and minutes, in place of
    what was granted before."""
    extension = session.scalar(
        select(Extension).where(Extension.assignment_id == assignment.id, Extension.user_id == user)
    )
    before = None if extension is None else _granted(extension)
    if extension is None:
        extension = Extension(assignment_id=assignment.id, user_id=user)
        session.add(extension)
    extension.due_at, extension.late_until = due_at, late_until
    extension.extra_attempts, extension.extra_minutes = extra_attempts, extra_minutes
    extension.reason = reason
    extension.granted_by_id, extension.granted_at = actor.id, at
    audit.record(
        session,
        audit.Action.EXTENSION_GRANTED,
        f"user:{user}",
        at=at,
        actor=actor,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        before=before,
        after=_granted(extension),
        reason=reason,
    )
    grades.refresh(session, assignment, {user}, at=at, actor=actor, cause="extension")


def adjust(
    session: Session,
    assignment: Assignment,
    user: int,
    points: float,
    reason: str,
    *,
    submission: Submission | None = None,
    at: datetime,
    actor: User,
) -> None:
    """Give (or take) points by hand. It belongs to the grade, not to a report: a regrade keeps
    it."""
    session.add(
        Adjustment(
            assignment_id=assignment.id,
            user_id=user,
            submission_id=None if submission is None else submission.id,
            points=points,
            reason=reason,
            adjusted_by_id=actor.id,
            adjusted_at=at,
        )
    )
    audit.record(
        session,
        audit.Action.ADJUSTED,
        f"user:{user}",
        at=at,
        actor=actor,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        points=points,
        reason=reason,
    )
    grades.refresh(session, assignment, {user}, at=at, actor=actor, cause="adjusted")


def comment(
    session: Session,
    submission: Submission,
    text: str,
    *,
    for_staff: bool,
    at: datetime,
    actor: User,
    where: tuple[str, int] | None = None,
) -> Comment:
    """
    Args:
        where: a file or cell and the number of a line in it; None: about all of it.
    """
    place, line = where or (None, None)
    row = Comment(
        submission_id=submission.id,
        author_id=actor.id,
        text=text,
        for_staff=for_staff,
        written_at=at,
        place=place,
        line=line,
    )
    session.add(row)
    session.flush()
    for user in teams.owners(session, submission) if not for_staff else ():
        if user != actor.id:
            key = str(row.id) if user == submission.user_id else f"{row.id}:{user}"
            outbox.put(session, Kind.COMMENT, user, key, at=at, comment=row.id)
    return row


def read(session: Session, submission: Submission, at: datetime) -> None:
    """The student has seen what was written to them about it."""
    session.execute(
        update(Comment)
        .where(
            Comment.submission_id == submission.id, Comment.read_at.is_(None), ~Comment.for_staff
        )
        .values(read_at=at)
    )
    answered = (Question.submission_id == submission.id, Question.answered_at.is_not(None))
    session.execute(
        update(Question).where(*answered, Question.read_at.is_(None)).values(read_at=at)
    )


def done(session: Session, submission: Submission, at: datetime, actor: User) -> None:
    """Somebody of the staff has looked at it, and nobody else has to."""
    if session.get(LookedAt, submission.id) is None:
        session.add(LookedAt(submission_id=submission.id, looked_by_id=actor.id, looked_on=at))


def not_done(session: Session, submission: Submission) -> None:
    """Somebody should look at it once more."""
    session.execute(delete(LookedAt).where(LookedAt.submission_id == submission.id))


def comment_on_all(
    session: Session, submissions: Sequence[Submission], text: str, at: datetime, actor: User
) -> int:
    """Write the same to several students, each at a submission; not again where it stands already.
    Returns to how many."""
    ids = [submission.id for submission in submissions]
    same = (Comment.author_id == actor.id) & (Comment.text == text) & ~Comment.for_staff
    stands = set(
        session.scalars(select(Comment.submission_id).where(Comment.submission_id.in_(ids), same))
    )
    left = [submission for submission in submissions if submission.id not in stands]
    for submission in left:
        comment(session, submission, text, for_staff=False, at=at, actor=actor)
    return len(left)


def _granted(extension: Extension) -> dict[str, object]:
    def text(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat(timespec="minutes")

    return {
        "due": text(extension.due_at),
        "late_until": text(extension.late_until),
        "extra_attempts": extension.extra_attempts,
        "extra_minutes": extension.extra_minutes,
    }
