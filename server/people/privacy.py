"""What the server holds about a person: all of it in one archive, or none of it any more.

A row is a person's when it says so by `user_id`, or when it is about a submission that is theirs.
Tables that come later are covered by that rule.
"""

from __future__ import annotations

import json
import secrets
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Any

from sqlalchemy import Table, delete, func, or_, select, update
from sqlalchemy.orm import Session, joinedload, undefer

from server.engine import Report
from server.grades import release, teams
from server.grades.release import Shown, as_shown
from server.storage import audit
from server.storage.files import FileGone, Files
from server.storage.models import (
    Announcement,
    AnswerImage,
    Assignment,
    AuditEntry,
    Base,
    Comment,
    MisconceptionFound,
    Question,
    Submission,
    TeamMember,
    User,
)

# Columns that are secret, for the staff, or a file of their own in the archive.
_MISSING = "What was handed in cannot be read on the server: a fault of ours.\n"
# What tells of scores while they are hidden.
_SCORES = {
    "submissions": ("score", "max_score"),
    "grades": (
        "submission_id",
        "points",
        "late_days",
        "free_days",
        "adjustment",
        "by_hand",
        "unmarked",
        "without_gain",
    ),
    "marks": ("points", "extra", "comment"),
    "adjustments": ("points", "reason"),
}
_ABOUT_SCORES = (audit.Action.GRADE_CHANGED, audit.Action.ADJUSTED)
_LEFT_OUT = {"password", "session_key", "digest", "last_fault", "report", "content"}


def export(
    session: Session,
    files: Files,
    student_view: Callable[[Report], Report],
    user: User,
    target: IO[bytes],
    now: datetime,
) -> None:
    """Write a zip archive of everything about the user that the user may see by now.

    `person.json` has the rows of every table, `submissions/` what was handed in, with its report as
    the student sees it and the comments to the student, `answers/` the images that answer parts
    marked by hand. Other people are in it as numbers, and what staff wrote among themselves is not.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("person.json", _json(_person(session, user, now)))
        for path, content in _images(session, user):
            archive.writestr(path, content)
        for folder, submission in _submissions(session, user):
            suffix = submission.filename.rpartition(".")[2]
            try:
                archive.writestr(f"{folder}/file.{suffix}", files.read(submission.public_id))
            except FileGone:
                archive.writestr(f"{folder}/file-is-missing.txt", _MISSING)
            shown = release.shown(submission.assignment, now)
            archive.writestr(f"{folder}/submission.json", _json(_told(session, submission, shown)))
            if submission.report is not None and shown.scores:
                report = student_view(as_shown(submission.report, shown))
                archive.writestr(f"{folder}/report.json", _json(report))


def erase(session: Session, user: User, *, at: datetime, actor: User | None) -> int:
    """Remove the person: account, places in courses, submissions with what was handed in and the
    reports, grades, comments on them. Return how many submissions there were.

    What stays is a user without a name, because the audit log is never changed and knows people as
    numbers, and what the person wrote about others as staff.
    """
    _leave_to_others(session, user)
    count = select(func.count()).where(Submission.user_id == user.id)
    submissions = session.scalar(count) or 0
    for table in reversed(Base.metadata.sorted_tables):  # what refers to others comes first
        if theirs := _theirs(table, user):
            session.execute(delete(table).where(or_(*theirs)))
    user.name = "Deleted user"
    user.email = f"deleted-{user.id}@deleted.invalid"
    user.password = None
    user.session_key = secrets.token_urlsafe(32)
    user.is_admin = False
    user.disabled = True
    audit.record(
        session,
        audit.Action.DATA_ERASED,
        f"user:{user.id}",
        at=at,
        actor=actor,
        submissions=submissions,
    )
    return submissions


def _leave_to_others(session: Session, user: User) -> None:
    """What they handed in for a team is its other members', too: it stays, as one of theirs."""
    rows = session.scalars(
        select(Submission).where(Submission.user_id == user.id, Submission.team_id.is_not(None))
    )
    for row in rows.all():
        other = session.scalar(
            select(TeamMember.user_id)
            .where(TeamMember.team_id == row.team_id, TeamMember.user_id != user.id)
            .order_by(TeamMember.joined_at, TeamMember.user_id)
            .limit(1)
        )
        if other is not None:
            mine = (Submission.assignment_id == row.assignment_id, Submission.user_id == other)
            taken = session.scalars(select(Submission.number).where(*mine)).all()
            if row.number in taken:  # by what that one did alone
                row.number = max(taken) + 1
            row.user_id = other
            found = update(MisconceptionFound).where(MisconceptionFound.submission_id == row.id)
            session.execute(found.values(user_id=other))
            session.flush()


def _theirs(table: Table, user: User) -> list[Any]:
    """The conditions by which a row is the user's."""
    submissions = select(Submission.id).where(Submission.user_id == user.id)
    about = [
        column.in_(submissions)
        for column in table.columns
        if any(key.column is Submission.__table__.c.id for key in column.foreign_keys)
    ]
    own = [table.c.user_id == user.id] if "user_id" in table.c else []
    return own + about


def _person(session: Session, user: User, now: datetime) -> dict[str, Any]:
    columns = [User.__table__.c.id]
    columns += [table.c.user_id for table in Base.metadata.sorted_tables if "user_id" in table.c]
    rows = {
        column.table.name: [
            {key: value for key, value in row.items() if key not in _LEFT_OUT}
            for row in session.execute(select(column.table).where(column == user.id)).mappings()
        ]
        for column in columns
    }
    log = session.scalars(
        select(AuditEntry)
        .where(or_(AuditEntry.subject == f"user:{user.id}", AuditEntry.actor_id == user.id))
        .order_by(AuditEntry.id)
    )
    shown = {row: release.shown(row, now) for row in session.scalars(select(Assignment))}
    hidden = {row.id: row.slug for row, parts in shown.items() if not parts.scores}
    hinted = {row.id for row, parts in shown.items() if parts.scores and parts.hints}
    found = MisconceptionFound.__tablename__
    rows[found] = [row for row in rows[found] if row["assignment_id"] in hinted]
    for table, columns_of_scores in _SCORES.items():
        for row in rows[table]:
            if row["assignment_id"] in hidden:
                row.update(dict.fromkeys(columns_of_scores))
    written = session.scalars(select(Comment).where(Comment.author_id == user.id))
    announced = session.scalars(select(Announcement).where(Announcement.author_id == user.id))
    return {
        **rows,
        "comments_written": [comment.text for comment in written],
        "announcements_written": [f"{row.title}\n\n{row.text}" for row in announced],
        "audit_log": [
            {"at": entry.at, "action": entry.action, "detail": entry.detail}
            for entry in log
            if entry.action not in _ABOUT_SCORES
            or entry.detail.get("assignment") not in hidden.values()
        ],
    }


def _submissions(session: Session, user: User) -> Iterator[tuple[str, Submission]]:
    """(its folder in the archive, one of the user's submissions)."""
    query = (
        select(Submission)
        .where(teams.theirs(user.id))
        .order_by(Submission.id)
        .options(undefer(Submission.report), joinedload(Submission.assignment))
        .execution_options(yield_per=10)
    )
    for submission in session.scalars(query):
        assignment = submission.assignment
        path = f"submissions/{assignment.course.slug}/{assignment.slug}/{submission.number}"
        yield path, submission


def _images(session: Session, user: User) -> Iterator[tuple[str, bytes]]:
    """What the user answered with to parts that people mark, by its path in the archive."""
    query = select(AnswerImage).where(AnswerImage.user_id == user.id).order_by("answer_id")
    for image in session.scalars(query.execution_options(yield_per=10)):
        suffix = image.media_type.rpartition("/")[2]
        yield f"answers/{image.answer_id}.{suffix}", image.content


def _told(session: Session, submission: Submission, shown: Shown) -> dict[str, Any]:
    comments = session.scalars(
        select(Comment)
        .where(Comment.submission_id == submission.id, Comment.for_staff.is_(False))
        .order_by(Comment.id)
    )
    return {
        "filename": submission.filename,
        "received_at": submission.received_at,
        "state": submission.state,
        "score": submission.score if shown.scores else None,
        "max_score": submission.max_score if shown.scores else None,
        "graded_at": submission.graded_at,
        "comments": [
            {
                "text": comment.text,
                "written_at": comment.written_at,
                "place": comment.place,
                "line": comment.line,
            }
            for comment in comments
            if shown.comments
        ],
        "questions": [
            {
                "exercise": question.exercise,
                "check": question.check_name,
                "text": question.text,
                "asked_at": question.asked_at,
                "state": question.state if shown.comments else None,
                "answer": question.answer if shown.comments else None,
            }
            for question in session.scalars(
                select(Question)
                .where(Question.submission_id == submission.id)
                .order_by(Question.id)
            )
        ],
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
