"""How the state of a submission moves, or of a regrade's item.

    accept -> waiting -> claim -> grading -> finish -> graded
              |  ^                   |
              |  +--- a fault of ours, a lease that ran out, given back
              |                      +--- too many faults -> failed
              +--- a newer one has come, beside which it cannot count -> superseded

`server.grades.grades` puts what was superseded back when it could count after all, and applying a
regrade (`server.grading.regrades`) makes what it has graded graded. What a student only wants
checked (`server.grading.checking`) waits behind every submission.
The database is the truth. A claim is a lease: it holds while its grader keeps it alive, and only
the holder of the latest lease can store anything. Courses take turns, and their students
(`server.grading.turns`); a regrade is graded when no submission is due, and now and then when one
is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import outbox
from server.clock import Clock
from server.engine import Rules
from server.grades import grades, teams
from server.grading import accepting, checking, due, meters, regrades, results, turns
from server.grading.accepting import Accepted, HandedIn
from server.parts.answers import Picture
from server.storage.database import Database
from server.storage.models import (
    Course,
    RegradeItem,
    SelfCheck,
    State,
    Submission,
    Work,
)

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
    rules: Rules
    topic: str
    filename: str
    digest: str
    since: datetime
    regrade_item: int | None = None  # None: the submission's own grading
    is_check: bool = False  # then `submission` is the number of a self-check

    @property
    def row(self) -> tuple[type[Work], int]:
        """What is locked and written."""
        if self.regrade_item is not None:
            return RegradeItem, self.regrade_item
        return (SelfCheck if self.is_check else Submission), self.submission


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
        answered: Mapping[str, str | Picture] | None = None,
    ) -> Accepted:
        """Keep a submission for good and queue it.

        When this returns, row and content are committed; when it raises, nothing was accepted.
        What the student has handed in before, byte for byte, is that submission where another one
        could not count for more (`same`): nothing is used up.

        Args:
            unlimited: for staff, whom neither deadlines nor limits hold.
            answered: what its notebook answers to parts marked by hand, by the parts' names.

        Raises:
            NotAllowed: the assignment's deadlines or limits forbid it.
            sqlalchemy.exc.SQLAlchemyError: it could not be stored.
        """
        with self._database.write() as session:
            accepted, into = accepting.accept(
                session,
                assignment,
                user,
                read,
                content,
                now=self._clock(),
                unlimited=unlimited,
                answered=answered,
            )
        if self._ring is not None and not accepted.again:
            self._ring(into.device)
        return accepted

    def check(self, assignment: int, user: int, read: HandedIn, content: bytes) -> str:
        """Have the public cases run on something, in place of what the student last wanted checked
        for the assignment; return its public id."""
        with self._database.write() as session:
            row = checking.ask(session, assignment, user, read, content, at=self._clock())
            public_id, device = row.public_id, row.assignment.device
        if self._ring is not None:
            self._ring(device)
        return public_id

    def writes(self) -> int:
        """Another number each time that anybody may have made something due."""
        return self._database.writes()

    def claim(self) -> Claim | None:
        """Take what is to be graded next, or None when nothing is due."""
        seen = self._glance()
        if seen.lost:
            self._release_expired(seen.lost)
            seen = self._glance()
        for table in seen.due:
            with self._database.write() as session:
                claim = self._claim(session, table)
            if claim is not None:
                return claim
        return None

    def _glance(self) -> due.Glance:
        with self._database.ask() as session:
            return due.glance(session, self._device, self._clock())

    def _claim(self, session: Session, table: type[Work]) -> Claim | None:
        now = self._clock()
        work = turns.next_due(session, table, self._device, now)
        if work is None:
            return None
        meters.claimed(session)
        if isinstance(work, RegradeItem) and not regrades.still_wanted(session, work.regrade):
            regrades.discard(session, work.regrade, at=now, actor=None)
            return None
        work.state = State.GRADING
        work.lease += 1
        work.lease_until = now + self.patience.lease
        submission = work.submission if isinstance(work, RegradeItem) else work
        assert isinstance(submission, Submission | SelfCheck)  # noqa: S101 - the other tables
        secret = session.scalars(
            select(Course.secret).where(Course.id == submission.assignment.course_id)
        ).one()
        return Claim(
            submission.id,
            work.lease,
            submission.public_id,
            Rules(secret, submission.assignment.source_policy, isinstance(work, SelfCheck)),
            submission.assignment.topic,
            submission.filename,
            submission.digest,
            now,
            None if work is submission else work.id,
            isinstance(work, SelfCheck),
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
            if isinstance(work, SelfCheck):
                work.report = report
                checking.drop_content(session, work)
                return
            if isinstance(work, RegradeItem):
                report = results.keeping_times(session, work, report)
            if isinstance(work, Submission):
                results.store(session, work, report)
                self._refresh(session, work, "graded")
                outbox.fault_is_over(session, work, work.graded_at)
            elif isinstance(work, RegradeItem):
                results.keep(work, report)
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
        return self._release_expired(self._glance().lost)

    def _release_expired(self, tables: Sequence[type[Work]]) -> int:
        count = 0
        for table in tables:
            with self._database.write() as session:
                expired = select(table).where(due.lost(table, self._clock()))
                found = session.scalars(expired.with_for_update(skip_locked=True)).all()
                for work in found:
                    self._record_fault(session, work, "The grader gave no sign of life.")
                count += len(found)
        return count

    def due_by_device(self) -> dict[str, int]:
        """How many a grader could claim now, by the kind of device."""
        with self._database.read() as session:
            return due.by_device(session, self._clock())

    def position(self, submission: Submission) -> int | None:
        """1 for the one that is graded next, None when it does not wait."""
        if submission.state is not State.WAITING:
            return None
        with self._database.ask() as session:
            return turns.ahead(session, submission) + 1

    @contextmanager
    def _held(
        self,
        claim: Claim,
        transaction: Callable[[], AbstractContextManager[Session]] | None = None,
    ) -> Iterator[tuple[Session, Work]]:
        """The claim's row, locked, in a transaction of this kind: by default in one that is alone
        in writing."""
        table, key = claim.row
        query = (
            select(table)
            .where(table.id == key, table.state == State.GRADING, table.lease == claim.lease)
            .with_for_update(of=table)
        )
        if table is Submission and transaction is None:  # its grade depends on them
            query = query.options(turns.WITH_COURSE)
        with (transaction or self._database.write)() as session:
            work = session.scalar(query)
            if work is None:
                raise LeaseLost(f"{table.__tablename__} {key}, lease {claim.lease}")
            yield session, work

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
            elif isinstance(work, SelfCheck):
                checking.drop_content(session, work)
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
                Submission.assignment_id == work.assignment_id, teams.beside(work)
            )
        ).all()
        extension = teams.extension(session, work.assignment, work.user_id)
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
