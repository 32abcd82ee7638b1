"""Who is graded next: students take turns, and each has the newest graded first.

What waits is ordered by (turn, place). A student's first waiting submission joins the round that is
being graded, the second the round after it, and so on; within a round the order is that of
arrival. One that supersedes another takes over its slot: handing in again costs no waiting.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.storage.models import State, Submission


def queue_up(
    session: Session, submission: Submission, superseded: Sequence[Submission] = ()
) -> None:
    """Give a new submission its slot, and the student's waiting ones theirs, the newest first."""
    session.flush()
    others = session.scalars(
        select(Submission)
        .where(
            Submission.user_id == submission.user_id,
            Submission.state == State.WAITING,
            Submission.id != submission.id,
        )
        .order_by(Submission.id.desc())
    ).all()
    slots = [(row.turn, row.place) for row in (*others, *superseded)]
    if not superseded:
        slots.append((_round(session, submission), submission.id))
    for row, (turn, place) in zip((submission, *others), sorted(slots), strict=False):
        row.turn, row.place = turn, place


def _round(session: Session, submission: Submission) -> int:
    """The first round in which the student has nothing yet, from the one being graded on."""
    others = Submission.id != submission.id
    now = session.scalar(
        select(func.min(Submission.turn)).where(Submission.state == State.WAITING, others)
    )
    if now is None:
        now = session.scalar(select(func.max(Submission.turn)))
    last = session.scalar(
        select(func.max(Submission.turn)).where(Submission.user_id == submission.user_id)
    )
    return max(now or 0, (last or 0) + 1)
