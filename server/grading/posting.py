"""Results that were found elsewhere: a file and its report, as `gradmark grade` makes them, in a
course as if this server had graded it."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.grades import grades
from server.grading import results
from server.storage import audit
from server.storage.models import Assignment, Content, State, Submission, User

MOST_OF_A_REPORT = 16 * 2**20  # bytes
_LONGEST_NAME = 200


class PostingError(ValueError):
    """It cannot be taken; the message is one sentence."""


@dataclass(frozen=True)
class Posted:
    submission: Submission
    again: bool  # the student's file was there already, and nothing was changed
    differs: bool  # and what is there has another result, or none yet


def report_of(
    content: bytes, topic: str, check: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """The report that was sent.

    Args:
        check: raises ValueError, with a sentence, where it does not follow the reports' schema.

    Raises:
        PostingError: it is none for this topic.
    """
    if len(content) > MOST_OF_A_REPORT:
        raise PostingError(f"The report is larger than {MOST_OF_A_REPORT // 2**20} MiB.")
    try:
        report = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise PostingError("The report is no JSON.") from None
    if not isinstance(report, dict):
        raise PostingError("The report is no JSON object.")
    try:
        check(report)
    except ValueError as error:
        raise PostingError(str(error)) from None
    if report.get("assignment") != topic:
        raise PostingError(
            f"The report is about {str(report.get('assignment'))[:100]!r}, not about {topic!r}."
        )
    if report.get("view") == "student":
        raise PostingError("This is the student's view of a report: the whole one is needed.")
    if not 0 <= report["score"] <= report["max_score"] < math.inf:  # as which 1e999 is read
        raise PostingError("The report's score is not between 0 and its greatest.")
    return report


def post(
    session: Session,
    assignment_id: int,
    user: int,
    filename: str,
    content: bytes,
    report: dict[str, Any],
    *,
    received_at: datetime,
    at: datetime,
    actor: User,
) -> Posted:
    """Keep the file with its report and work the grade out anew, in this transaction. A file that
    the student has there already, byte for byte, is that one: nothing changes.

    Args:
        received_at: when it was handed in, which decides whether it is late.

    Raises:
        PostingError: there is nothing in the file.
    """
    if not content:
        raise PostingError("The file is empty.")
    assignment = session.get_one(Assignment, assignment_id, with_for_update=True)
    digest = hashlib.sha256(content).hexdigest()
    earlier = session.scalars(
        select(Submission).where(
            Submission.assignment_id == assignment_id, Submission.user_id == user
        )
    ).all()
    same = [row for row in earlier if row.digest == digest and row.state is not State.FAILED]
    if same:
        latest = max(same, key=lambda row: row.number)
        found = float(report["score"]), float(report["max_score"])
        return Posted(latest, True, (latest.score, latest.max_score) != found)
    submission = Submission(
        public_id=secrets.token_hex(16),
        assignment_id=assignment_id,
        user_id=user,
        number=max((row.number for row in earlier), default=0) + 1,
        filename=(PurePosixPath(filename).name or assignment.topic)[-_LONGEST_NAME:],
        digest=digest,
        received_at=received_at,
        state=State.GRADED,
        graded_at=at,
        not_before=at,
        turn=0,
        place=0,
    )
    session.add(submission)
    results.store(session, submission, report)
    session.add(Content(submission_id=submission.id, content=content))
    audit.record(
        session,
        audit.Action.RESULT_POSTED,
        f"user:{user}",
        at=at,
        actor=actor,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        submission=submission.public_id,
    )
    grades.refresh(session, assignment, {user}, at=at, actor=actor, cause="posted")
    return Posted(submission, False, False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
