"""The only module that moves a submission's state.

    accept -> waiting -> claim -> grading -> finish -> graded
                 ^                   |
                 +--- a fault of ours, a lease that ran out, given back
                                     +--- too many faults -> failed

The database is the truth. A claim is a lease: it holds while its grader keeps it alive, and only
the holder of a submission's latest lease can store anything about it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from autograder.submission import Submission as Parsed
from server.database import Database
from server.files import Files
from server.models import State, Submission

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """The submission is no longer this claim's: whatever was found out about it is void."""


@dataclass(frozen=True)
class Patience:
    lease: timedelta = timedelta(seconds=15)  # for how long a silent grader is believed alive
    # After a fault of ours: the waits before each new try. Then the submission is kept as failed.
    retry_after: tuple[timedelta, ...] = (
        timedelta(seconds=2),
        timedelta(seconds=15),
        timedelta(seconds=60),
    )


@dataclass(frozen=True)
class Claim:
    """A grader's hold on a submission. `lease` rises with every claim of it (a fencing token)."""

    submission: int
    lease: int
    public_id: str
    assignment: str
    filename: str
    digest: str


def _now() -> datetime:
    return datetime.now(UTC)


class Queue:
    def __init__(
        self,
        database: Database,
        files: Files,
        patience: Patience | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._files = files
        self._clock = clock
        self.patience = patience or Patience()

    def accept(self, assignment: str, parsed: Parsed, content: bytes, owner: str | None) -> str:
        """Keep a submission for good and queue it; return its public id.

        When this returns, content and row are on the disk; when it raises, nothing was accepted.

        Raises:
            OSError: the content could not be stored.
            sqlalchemy.exc.SQLAlchemyError: the row could not be stored.
        """
        public_id = secrets.token_hex(16)
        self._files.store(public_id, content)
        now = self._clock()
        with self._database.write() as session:
            session.add(
                Submission(
                    public_id=public_id,
                    owner=owner,
                    assignment=assignment,
                    filename=parsed.filename,
                    digest=parsed.digest,
                    received_at=now,
                    state=State.WAITING,
                    not_before=now,
                )
            )
        return public_id

    def claim(self) -> Claim | None:
        """Take the submission that has waited longest, or None when nothing waits."""
        self.release_expired()
        if not self._anything_due():
            return None
        with self._database.write() as session:
            submission = session.scalar(
                select(Submission)
                .where(*self._due())
                .order_by(Submission.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if submission is None:
                return None
            submission.state = State.GRADING
            submission.lease += 1
            submission.lease_until = self._clock() + self.patience.lease
            return Claim(
                submission.id,
                submission.lease,
                submission.public_id,
                submission.assignment,
                submission.filename,
                submission.digest,
            )

    def heartbeat(self, claim: Claim) -> None:
        """Prolong the lease.

        Raises:
            LeaseLost: as every method that takes a claim.
        """
        with self._held(claim) as submission:
            submission.lease_until = self._clock() + self.patience.lease

    def progress(self, claim: Claim, exercise: str, done: int, total: int) -> None:
        with self._held(claim) as submission:
            submission.exercise, submission.done, submission.total = exercise, done, total

    def finish(self, claim: Claim, report: dict[str, Any]) -> None:
        """Store the report: the submission is graded."""
        with self._held(claim) as submission:
            self._leave_grading(submission, State.GRADED)
            submission.report = report
            submission.score = float(report["score"])
            submission.max_score = float(report["max_score"])
            submission.graded_at = self._clock()

    def fail(self, claim: Claim, fault: str) -> None:
        """Something of ours broke: try again later, or give up and keep it as failed."""
        with self._held(claim) as submission:
            self._record_fault(submission, fault)

    def give_back(self, claim: Claim) -> None:
        """The grader stops in good order: the submission waits as if it had not been touched."""
        with self._held(claim) as submission:
            self._leave_grading(submission, State.WAITING)

    def release_expired(self) -> int:
        """Take submissions from graders that gave no sign of life; return how many."""
        expired = (Submission.state == State.GRADING, Submission.lease_until < self._clock())
        with self._database.read() as session:
            if session.scalar(select(Submission.id).where(*expired).limit(1)) is None:
                return 0
        with self._database.write() as session:
            submissions = session.scalars(
                select(Submission).where(*expired).with_for_update(skip_locked=True)
            ).all()
            for submission in submissions:
                self._record_fault(submission, "The grader gave no sign of life.")
            return len(submissions)

    def position(self, submission: Submission) -> int | None:
        """1 for the one that is graded next, None when it does not wait."""
        if submission.state is not State.WAITING:
            return None
        with self._database.read() as session:
            ahead = session.scalar(
                select(func.count())
                .select_from(Submission)
                .where(Submission.state == State.WAITING, Submission.id < submission.id)
            )
        return (ahead or 0) + 1

    def _due(self) -> tuple[Any, ...]:
        return Submission.state == State.WAITING, Submission.not_before <= self._clock()

    def _anything_due(self) -> bool:
        """Idle graders look often: they must not keep an upload from writing."""
        with self._database.read() as session:
            return session.scalar(select(Submission.id).where(*self._due()).limit(1)) is not None

    @contextmanager
    def _held(self, claim: Claim) -> Iterator[Submission]:
        with self._database.write() as session:
            submission = session.scalar(
                select(Submission)
                .where(
                    Submission.id == claim.submission,
                    Submission.state == State.GRADING,
                    Submission.lease == claim.lease,
                )
                .with_for_update()
            )
            if submission is None:
                raise LeaseLost(f"submission {claim.submission}, lease {claim.lease}")
            yield submission

    def _record_fault(self, submission: Submission, fault: str) -> None:
        waits = self.patience.retry_after
        if submission.faults < len(waits):
            submission.not_before = self._clock() + waits[submission.faults]
            self._leave_grading(submission, State.WAITING)
        else:
            self._leave_grading(submission, State.FAILED)
            log.error("submission %d: not graded, given up: %s", submission.id, fault)
        submission.faults += 1
        submission.last_fault = fault

    @staticmethod
    def _leave_grading(submission: Submission, state: State) -> None:
        submission.state = state
        submission.lease_until = None
        submission.exercise, submission.done, submission.total = None, 0, 0
