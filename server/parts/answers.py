"""What students answer to the parts that people mark: taken in, kept, found."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.grades import grades
from server.grades.attempts import NotAllowed, allowance
from server.grades.sittings import sitting_of
from server.language import N_, _
from server.storage.models import (
    Answer,
    AnswerImage,
    Assignment,
    Course,
    Extension,
    Part,
    PartKind,
    Submission,
)

MOST_TEXT = 20_000  # characters of an answer
MOST_ANSWERS = 200  # of one student to one part: every change of it is kept
MOST_IMAGES = 64 * 2**20  # bytes of one student's for one assignment
# What stands in a notebook's cell before anybody wrote there: ours, and nbgrader's own.
PLACEHOLDERS = ("*Write your answer here.*", "YOUR ANSWER HERE")


@dataclass(frozen=True)
class Picture:
    """An image that the reading process has written anew."""

    content: bytes
    media_type: str
    width: int
    height: int


def write(
    session: Session,
    part: Part,
    user: int,
    *,
    text: str = "",
    picture: Picture | None = None,
    submission: Submission | None = None,
    at: datetime,
    unlimited: bool = False,
) -> Answer | None:
    """Keep an answer, as one that is there from now on; None: it is what the last one was.

    Args:
        submission: with whose notebook it came.
        unlimited: for staff, whom deadlines do not hold.

    Raises:
        NotAllowed: the deadline forbids it, or it is too much.
    """
    assignment = session.get_one(Assignment, part.assignment_id, with_for_update=True)
    refused = None if unlimited else refusal(session, assignment, user, at)
    if refused is not None:
        raise NotAllowed(refused)
    if part.kind is PartKind.TEXT and not text.strip():
        raise NotAllowed(_("There is nothing in the answer."))
    if len(text) > MOST_TEXT:
        raise NotAllowed(
            _(
                "An answer has %(most)s characters at most, and this %(count)s.",
                most=MOST_TEXT,
                count=len(text),
            )
        )
    if (part.kind is PartKind.IMAGE) != (picture is not None):
        raise NotAllowed(_(_WANTED[part.kind]))
    digest = _digest(text.encode() if picture is None else picture.content)
    query = select(Answer).where(Answer.part_id == part.id, Answer.user_id == user)
    last = session.scalar(query.order_by(Answer.number.desc()).limit(1))
    if last is not None and last.digest == digest:
        return None
    if last is not None and last.number >= MOST_ANSWERS:
        raise NotAllowed(
            _(
                "This part was answered %(count)s times: ask those who teach the course.",
                count=MOST_ANSWERS,
            )
        )
    if picture is not None and _is_too_much(session, assignment, user, picture):
        raise NotAllowed(
            _(
                "All images of this assignment are more than %(size)s MiB: ask those who teach the "
                "course.",
                size=MOST_IMAGES // 2**20,
            )
        )
    answer = Answer(
        public_id=secrets.token_hex(16),
        assignment_id=assignment.id,
        part_id=part.id,
        user_id=user,
        submission_id=None if submission is None else submission.id,
        number=1 if last is None else last.number + 1,
        digest=digest,
        received_at=at,
        text=text,
    )
    session.add(answer)
    session.flush()
    if picture is not None:
        session.add(AnswerImage(answer_id=answer.id, user_id=user, **vars(picture)))
    grades.refresh(session, assignment, {user}, at=at, actor=None, cause="answered")
    return answer


def from_notebook(
    session: Session, submission: Submission, found: Mapping[str, str | Picture], *, at: datetime
) -> list[str]:
    """Keep what a notebook that was just accepted answers; return the titles of what is new.
    What nobody wrote anything into is no answer, and changes none that is there. What is more than
    may be kept is left out: it is no reason to refuse the notebook.

    Args:
        found: texts and images, by the parts' names.
    """
    assignment = session.get_one(Assignment, submission.assignment_id)
    taken = []
    for part in Part.of(session, assignment):
        said = found.get(part.slug, "")
        picture = None if isinstance(said, str) else said
        text = said[:MOST_TEXT].strip() if isinstance(said, str) else ""
        if (part.kind is PartKind.IMAGE) != (picture is not None):
            continue
        if picture is None and (not text or text in PLACEHOLDERS):
            continue
        digest = _digest(text.encode() if picture is None else picture.content)
        before = session.scalars(
            select(Answer)
            .where(Answer.part_id == part.id, Answer.user_id == submission.user_id)
            .order_by(Answer.number)
        ).all()
        known = [row.digest for row in before if row.submission_id is not None]
        # What stood there last time as well may have been bettered on the page meanwhile.
        if len(before) >= MOST_ANSWERS or known[-1:] == [digest]:
            continue
        if picture is not None and _is_too_much(session, assignment, submission.user_id, picture):
            continue
        kept = write(
            session,
            part,
            submission.user_id,
            text=text,
            picture=picture,
            submission=submission,
            at=at,
            unlimited=True,  # the notebook was accepted, and its answers with it
        )
        if kept is not None:
            taken.append(part.title)
    return taken


def latest(session: Session, assignment: Assignment, user: int) -> dict[int, Answer]:
    """Somebody's last answers, by part."""
    query = (
        select(Answer)
        .where(Answer.assignment_id == assignment.id, Answer.user_id == user)
        .order_by(Answer.number)
    )
    return {answer.part_id: answer for answer in session.scalars(query)}


def wanted(session: Session, assignment: Assignment) -> dict[PartKind, list[str]]:
    """The names of the parts that a notebook's cells may answer, by what they are answered with."""
    parts = Part.of(session, assignment)
    return {kind: [part.slug for part in parts if part.kind is kind] for kind in PartKind}


_WANTED = {
    PartKind.TEXT: N_("This part is answered with a text."),
    PartKind.IMAGE: N_("This part is answered with an image."),
}


def refusal(session: Session, assignment: Assignment, user: int, now: datetime) -> str | None:
    """Why a student can answer nothing now; None: they can. Attempts and waits between them are
    for what is graded by machine, and do not hold here."""
    extension = session.scalar(
        select(Extension).where(Extension.assignment_id == assignment.id, Extension.user_id == user)
    )
    timezone = session.get_one(Course, assignment.course_id).timezone
    sitting = sitting_of(session, assignment.id, user)
    return allowance(assignment, timezone, extension, [], now, sitting).refusal


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_too_much(session: Session, assignment: Assignment, user: int, picture: Picture) -> bool:
    """With all images that somebody has answered with for the assignment."""
    total = session.scalar(
        select(func.sum(func.length(AnswerImage.content)))
        .join(Answer, Answer.id == AnswerImage.answer_id)
        .where(Answer.assignment_id == assignment.id, Answer.user_id == user)
    )
    return int(total or 0) + len(picture.content) > MOST_IMAGES
