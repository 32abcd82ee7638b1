"""How the state of a submission moves, or of a regrade's item.

    accept -> waiting -> claim -> grading -> finish -> graded
              |  ^                   |
              |  +--- a fault of ours, a lease that ran out, given back
              |                      +--- too many faults -> failed
              +--- a newer one has come, beside which it cannot count -> superseded

`server.grades.grades` puts what was superseded back when it could count after all, and applying a
regrade (`server.grading.regrades`) makes what it has graded graded.
The database is the truth. A claim is a lease: it holds while its grader keeps it alive, and only
the holder of the latest lease can store anything. Courses take turns, and their students
(`server.grading.turns`); a regrade is graded when no submission is due, and now and then when one
is.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import outbox
from server.clock import Clock
from server.engine import Rules
from server.grades import grades
from server.grades.attempts import FREE, NotAllowed, allowance
from server.grading import meters, regrades, results, turns
from server.storage import files
from server.storage.database import Database
from server.storage.models import (
    Assignment,
    Content,
    Course,
    Extension,
    RegradeItem,
    State,
    Submission,
    Work,
)

log = logging.getLogger(__name__)

_TABLES: tuple[type[Work], ...] = (Submission, RegradeItem)  # in the order of claiming


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
    rules: Rules
    topic: str
    filename: str
    digest: str
    since: datetime
    regrade_item: int | None = None  # None: the submission's own grading


REGRADES_SHARE = 10  # of so many claims one is a regrade's, however much else is due

# Bytes of one student's hand-ins for one assignment: none is ever thrown away, and what is
# superseded costs no attempt.
MOST_KEPT = 256 * 2**20


@dataclass(frozen=True)
class Accepted:
    """What became of an upload."""

    public_id: str
    again: bool = False  # it is the latest one, which was handed in before


class HandedIn(Protocol):
    """What somebody handed in, once it has been read."""

    @property
    def filename(self) -> str: ...
    @property
    def digest(self) -> str: ...


class Queue:
    def __init__(
        self,
        database: Database,
        patience: Patience | None = None,
        clock: Clock | None = None,
        *,
        device: str = "cpu",
        ring: Callable[[str], object] | None = None,
    ) -> None:
        """
        Args:
            ring: called with the device for which something new waits, once it is committed.
            device: what is claimed is to be graded on this kind of device.
        """
        self._device = device
        self._ring = ring
        self._database = database
        self._clock = clock or database.clock
        self.patience = patience or Patience()

    def accept(
        self,
        assignment: int,
        user: int,
        read: HandedIn,
        content: bytes,
        *,
        unlimited: bool = False,
    ) -> Accepted:
        """Keep a submission for good and queue it.

        When this returns, row and content are committed; when it raises, nothing was accepted.
        What is byte for byte the student's latest is that one, not another: nothing is used up.

        Args:
            unlimited: for staff, whom neither deadlines nor limits hold.

        Raises:
            NotAllowed: the assignment's deadlines or limits forbid it.
            sqlalchemy.exc.SQLAlchemyError: it could not be stored.
        """
        with self._database.write() as session:
            public_id, again = self._accept(session, assignment, user, read, content, unlimited)
            device = session.get_one(Assignment, assignment).device
        if self._ring is not None and not again:
            self._ring(device)
        return Accepted(public_id, again)

    def _accept(
        self,
        session: Session,
        assignment_id: int,
        user: int,
        read: HandedIn,
        content: bytes,
        unlimited: bool,
    ) -> tuple[str, bool]:
        """Its public id, and whether it is one that was there before."""
        now = self._clock()
        assignment = session.get_one(Assignment, assignment_id, with_for_update=True)
        extension = _extension(session, assignment_id, user)
        earlier = session.scalars(
            select(Submission).where(
                Submission.assignment_id == assignment_id, Submission.user_id == user
            )
        ).all()
        latest = max(earlier, key=lambda row: row.number, default=None)
        if (
            latest is not None
            and latest.digest == read.digest
            and latest.state is not State.FAILED  # which handing in again gives another try
        ):
            return latest.public_id, True
        if not unlimited:
            counted = [row.received_at for row in earlier if row.state not in FREE]
            timezone = assignment.course.timezone
            refusal = allowance(assignment, timezone, extension, counted, now).refusal
            if refusal is not None:
                raise NotAllowed(refusal)
            if files.kept(session, assignment_id, user) + len(content) > MOST_KEPT:
                raise NotAllowed(
                    f"All that you have handed in for this assignment is more than "
                    f"{MOST_KEPT // 2**20} MiB: ask those who teach the course."
                )
        submission = Submission(
            public_id=secrets.token_hex(16),
            assignment_id=assignment_id,
            user_id=user,
            number=max((row.number for row in earlier), default=0) + 1,
            filename=read.filename,
            digest=read.digest,
            received_at=now,
            state=State.WAITING,
            not_before=now,
            turn=0,
            place=0,
        )
        session.add(submission)
        zone = ZoneInfo(assignment.course.timezone)
        deciding = grades.could_count(assignment, extension, [*earlier, submission], zone)
        superseded = [row for row in earlier if row.state is State.WAITING and row not in deciding]
        for row in superseded:
            row.state = State.SUPERSEDED
        turns.queue_up(session, submission, superseded)
        session.add(Content(submission_id=submission.id, content=content))
        meters.accepted(session)
        grades.refresh(session, assignment, {user}, at=now, actor=None, cause="accepted")
        return submission.public_id, False

    def writes(self) -> int:
        """Another number each time that anybody may have made something due."""
        return self._database.writes()

    def claim(self) -> Claim | None:
        """Take what is to be graded next, or None when nothing is due."""
        self.release_expired()
        for table in self._order():
            if self._anything_due(table):
                with self._database.write() as session:
                    claim = self._claim(session, table)
                if claim is not None:
                    return claim
        return None

    def _order(self) -> Sequence[type[Work]]:
        """What is looked at first: submissions, but for a share, so that regrades do not starve."""
        with self._database.read() as session:
            share = meters.Readings(session).claimed % REGRADES_SHARE == REGRADES_SHARE - 1
        return tuple(reversed(_TABLES)) if share else _TABLES

    def _claim(self, session: Session, table: type[Work]) -> Claim | None:
        work = turns.next_due(session, table, self._due(table))
        if work is None:
            return None
        meters.claimed(session)
        now = self._clock()
        if isinstance(work, RegradeItem) and not regrades.still_wanted(session, work.regrade):
            regrades.discard(session, work.regrade, at=now, actor=None)
            return None
        work.state = State.GRADING
        work.lease += 1
        work.lease_until = now + self.patience.lease
        submission = work.submission if isinstance(work, RegradeItem) else work
        assert isinstance(submission, Submission)  # noqa: S101 - the other table
        secret = session.scalars(
            select(Course.secret).where(Course.id == submission.assignment.course_id)
        ).one()
        return Claim(
            submission.id,
            work.lease,
            submission.public_id,
            Rules(secret, submission.assignment.source_policy),
            submission.assignment.topic,
            submission.filename,
            submission.digest,
            now,
            None if work is submission else work.id,
        )

    def heartbeat(self, claim: Claim) -> None:
        """Prolong the lease.

        Raises:
            LeaseLost: as every method that takes a claim.
        """
        with self._held(claim, self._database.touch) as (_, work):
            work.lease_until = self._clock() + self.patience.lease

    def progress(self, claim: Claim, exercise: str, done: int, total: int) -> None:
        with self._held(claim, self._database.touch) as (_, work):
            work.exercise, work.done, work.total = exercise, done, total

    def finish(self, claim: Claim, report: dict[str, Any]) -> None:
        """Store the report: it is graded. A regrade's report is kept apart."""
        with self._held(claim) as (session, work):
            self._leave_grading(work, State.GRADED)
            work.graded_at = self._clock()
            meters.graded(session, max(0.0, (work.graded_at - claim.since).total_seconds()))
            results.keep(work, report)
            if isinstance(work, Submission):
                self._counts(session, work, report)
                outbox.fault_is_over(session, work, work.graded_at)
            elif isinstance(work, RegradeItem):
                results.compare(session, work, report)

    def fail(self, claim: Claim, fault: str) -> None:
        """Something of ours broke: try again later, or give up and keep it as failed."""
        with self._held(claim) as (session, work):
            self._record_fault(session, work, fault)

    def give_back(self, claim: Claim) -> None:
        """The grader stops in good order: the submission waits as if it had not been touched."""
        with self._held(claim) as (session, work):
            self._wait_again(session, work)
            meters.ended(session, meters.Ending.GIVEN_BACK)

    def try_again(self, submission: int) -> bool:
        """Queue one that failed or was superseded anew, as if nothing had happened; False when it
        is neither."""
        with self._database.write() as session:
            found = session.get_one(Submission, submission, with_for_update=True)
            if found.state not in (State.FAILED, State.SUPERSEDED):
                return False
            found.faults, found.not_before = 0, self._clock()
            turns.queue_up(session, found)
            self._leave_grading(found, State.WAITING)
            return True

    def release_expired(self) -> int:
        """Take submissions from graders that gave no sign of life; return how many."""
        return sum(self._release_expired(table) for table in _TABLES)

    def _release_expired(self, table: type[Work]) -> int:
        expired = (table.state == State.GRADING, table.lease_until < self._clock())
        with self._database.read() as session:
            if session.scalar(select(table.id).where(*expired).limit(1)) is None:
                return 0
        with self._database.write() as session:
            found = session.scalars(
                select(table).where(*expired).with_for_update(skip_locked=True)
            ).all()
            for work in found:
                self._record_fault(session, work, "The grader gave no sign of life.")
            return len(found)

    def position(self, submission: Submission) -> int | None:
        """1 for the one that is graded next, None when it does not wait."""
        if submission.state is not State.WAITING:
            return None
        with self._database.read() as session:
            return turns.ahead(session, submission) + 1

    def _due(self, table: type[Work]) -> tuple[Any, ...]:
        return (
            table.state == State.WAITING,
            table.not_before <= self._clock(),
            turns.on_device(table, self._device),
        )

    def _anything_due(self, table: type[Work]) -> bool:
        """Idle graders look often: they must not keep an upload from writing."""
        with self._database.read() as session:
            query = select(table.id).where(*self._due(table)).limit(1)
            return session.scalar(query) is not None

    @contextmanager
    def _held(
        self,
        claim: Claim,
        transaction: Callable[[], AbstractContextManager[Session]] | None = None,
    ) -> Iterator[tuple[Session, Work]]:
        """The claim's row, locked, in a transaction of this kind: by default in one that is alone
        in writing."""
        table: type[Work] = Submission if claim.regrade_item is None else RegradeItem
        key = claim.regrade_item or claim.submission
        with (transaction or self._database.write)() as session:
            work = session.scalar(
                select(table)
                .where(table.id == key, table.state == State.GRADING, table.lease == claim.lease)
                .with_for_update()
            )
            if work is None:
                raise LeaseLost(f"{table.__tablename__} {key}, lease {claim.lease}")
            yield session, work

    def _counts(self, session: Session, submission: Submission, report: dict[str, Any]) -> None:
        results.index(session, submission, report)
        self._refresh(session, submission, "graded")

    def _refresh(self, session: Session, submission: Submission, cause: str) -> None:
        grades.refresh(
            session,
            submission.assignment,
            {submission.user_id},
            at=self._clock(),
            actor=None,
            cause=cause,
        )

    def _record_fault(self, session: Session, work: Work, fault: str) -> None:
        waits = self.patience.retry_after
        if work.faults < len(waits):
            work.not_before = self._clock() + waits[work.faults]
            self._wait_again(session, work)
            meters.ended(session, meters.Ending.FAULT)
        else:
            self._leave_grading(work, State.FAILED)
            if isinstance(work, Submission):  # one that it superseded could count after all
                self._refresh(session, work, "not graded")
                outbox.fault_met(session, work, self._clock())
            meters.ended(session, meters.Ending.FAILED)
            log.error(
                "given up", extra={"table": work.__tablename__, "id": work.id, "fault": fault}
            )
        work.faults += 1
        work.last_fault = fault

    def _wait_again(self, session: Session, work: Work) -> None:
        """Back into the queue, unless one that waits there has superseded it meanwhile."""
        self._leave_grading(work, State.WAITING)
        if not isinstance(work, Submission):
            return
        own = session.scalars(
            select(Submission).where(
                Submission.assignment_id == work.assignment_id,
                Submission.user_id == work.user_id,
            )
        ).all()
        extension = _extension(session, work.assignment_id, work.user_id)
        zone = ZoneInfo(work.assignment.course.timezone)
        newer = [s for s in own if s.number > work.number and s.state is State.WAITING]
        if newer and work not in grades.could_count(work.assignment, extension, own, zone):
            work.state = State.SUPERSEDED
            for other in newer:
                other.turn, other.place = min((other.turn, other.place), (work.turn, work.place))

    @staticmethod
    def _leave_grading(work: Work, state: State) -> None:
        work.state = state
        work.lease_until = None
        work.exercise, work.done, work.total = None, 0, 0


def _extension(session: Session, assignment: int, user: int) -> Extension | None:
    return session.scalar(
        select(Extension).where(Extension.assignment_id == assignment, Extension.user_id == user)
    )
