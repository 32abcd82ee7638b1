"""Taking a submission in: whether it may be, what it supersedes, and its slot in the queue."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from server.grades import grades, teams
from server.grades.attempts import FREE, NotAllowed, allowance, same
from server.grades.sittings import sitting_of
from server.grading import meters, turns
from server.language import _
from server.parts import answers
from server.parts.answers import Picture
from server.storage import files
from server.storage.models import Assignment, Content, State, Submission

# Bytes of one student's hand-ins for one assignment: none is ever thrown away, and what is
# superseded costs no attempt.
MOST_KEPT = 256 * 2**20


@dataclass(frozen=True)
class Accepted:
    """What became of an upload."""

    public_id: str
    again: bool = False  # it was handed in before
    submission: Submission | None = field(default=None, compare=False)  # the new one


class HandedIn(Protocol):
    """What somebody handed in, once it has been read."""

    @property
    def filename(self) -> str: ...
    @property
    def digest(self) -> str: ...


def accept(
    session: Session,
    assignment_id: int,
    user: int,
    read: HandedIn,
    content: bytes,
    *,
    now: datetime,
    unlimited: bool,
    answered: Mapping[str, str | Picture] | None = None,
) -> tuple[Accepted, Assignment]:
    """
    Args:
        answered: what the cells of a notebook answer to parts marked by hand, by the parts' names.

    Raises:
        NotAllowed: the assignment's deadlines or limits forbid it.
    """
    assignment = session.get_one(
        Assignment,
        assignment_id,
        options=[joinedload(Assignment.course, innerjoin=True)],
        with_for_update={"of": Assignment},
    )
    extension = teams.extension(session, assignment, user)
    team = teams.team_of(session, assignment, user)
    there = session.scalars(
        select(Submission).where(
            Submission.assignment_id == assignment_id,
            teams.by_any([user], [] if team is None else [team.id]),
        )
    ).all()
    # What a student handed in for a team that they have left is theirs no more.
    mine = (None, None if team is None else team.id)
    earlier = [row for row in there if row.team_id in mine]
    known = same(assignment, earlier, read.digest)
    if known is not None:
        return Accepted(known.public_id, again=True), assignment
    if not unlimited:
        counted = [row.received_at for row in earlier if row.state not in FREE]
        timezone = assignment.course.timezone
        timed = assignment.window_minutes is not None
        sitting = sitting_of(session, assignment_id, user) if timed else None
        refusal = allowance(assignment, timezone, extension, counted, now, sitting).refusal
        if refusal is not None:
            raise NotAllowed(refusal)
        kept = files.kept(session, assignment_id, teams.theirs(user)) if earlier else 0
        if kept + len(content) > MOST_KEPT:
            raise NotAllowed(
                _(
                    "All that you have handed in for this assignment is more than %(size)s MiB: "
                    "ask those who teach the course.",
                    size=MOST_KEPT // 2**20,
                )
            )
    submission = Submission(
        public_id=secrets.token_hex(16),
        assignment_id=assignment_id,
        assignment=assignment,
        user_id=user,
        team_id=None if team is None else team.id,
        number=max((row.number for row in there), default=0) + 1,
        filename=read.filename,
        digest=read.digest,
        received_at=now,
        state=State.WAITING,
        not_before=now,
    )
    zone = ZoneInfo(assignment.course.timezone)
    deciding = grades.could_count(assignment, extension, [*earlier, submission], zone)
    superseded = [row for row in earlier if row.state is State.WAITING and row not in deciding]
    for row in superseded:
        row.state = State.SUPERSEDED
    turns.queue_up(session, submission, superseded)
    session.add(submission)
    session.flush()
    session.add(Content(submission_id=submission.id, content=content))
    meters.accepted(session)
    if answered:
        answers.from_notebook(session, submission, answered, at=now)
    if answered or team is not None:
        grades.refresh(session, assignment, {user}, at=now, actor=None, cause="accepted")
    else:
        grades.handed_in(session, submission, [*earlier, submission])
    return Accepted(submission.public_id, submission=submission), assignment
