"""Graders say that they are there and what they grade on, so that pages and metrics can tell."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from server.clock import Clock
from server.grading.heartbeat import repeated
from server.storage.database import Database, forgiving
from server.storage.models import GraderProcess

BEAT = timedelta(seconds=5)
ALIVE = 4 * BEAT  # for how long a silent grader is believed to be there
_FORGOTTEN = timedelta(days=1)
_ALIVE = (
    select(GraderProcess)
    .where(GraderProcess.seen_at >= bindparam("since"))
    .order_by(GraderProcess.id)
)


class Sign:
    """A grader's entry among those that are there: what it grades on, and whether that works."""

    def __init__(self, database: Database, clock: Clock, device: str) -> None:
        self._database = database
        self._clock = clock
        self._device = device
        self._lock = threading.Lock()
        self._key: int | None = None
        self._fault: str | None = None

    def seen(self) -> None:
        """It is alive. Entered anew where the entry could not be written, or is gone."""
        with self._lock:
            with self._database.touch() as session:
                row = None if self._key is None else session.get(GraderProcess, self._key)
                if row is not None:
                    row.seen_at, row.fault = self._clock(), self._fault
            if row is None:
                self._key = _enter(self._database, self._clock(), self._device, self._fault)

    def set_aside(self, fault: str) -> None:
        """Its device does not work."""
        self._fault = fault[:1000]
        with forgiving("not told of a device"):  # the next sign of life tells it, too
            self.seen()

    def works_again(self) -> None:
        self._fault = None
        with forgiving("not told of a device"):
            self.seen()

    def gone(self) -> None:
        with forgiving("not signed off"), self._database.write() as session:
            session.execute(delete(GraderProcess).where(GraderProcess.id == self._key))


@contextmanager
def announced(
    database: Database,
    clock: Clock | None = None,
    beat: timedelta = BEAT,
    device: str = "cpu",
) -> Iterator[Sign]:
    """While this holds, the process counts as a grader on the device."""
    sign = Sign(database, clock or database.clock, device)
    with forgiving("no sign of life"):
        sign.seen()
    try:
        with repeated(sign.seen, beat, "sign of life"):
            yield sign
    finally:
        sign.gone()


def alive(session: Session, now: datetime) -> Sequence[GraderProcess]:
    """The graders that gave a sign of life lately."""
    return session.scalars(_ALIVE, {"since": now - ALIVE}).all()


def able(session: Session, now: datetime, kind: str) -> int:
    """How many can grade on a device of this kind now."""
    return sum(row.kind == kind and row.fault is None for row in alive(session, now))


def _enter(database: Database, now: datetime, device: str, fault: str | None) -> int:
    with database.write() as session:
        session.execute(delete(GraderProcess).where(GraderProcess.seen_at < now - _FORGOTTEN))
        row = GraderProcess(
            name=f"{socket.gethostname()}:{os.getpid()}"[:200],
            device=device,
            kind=device.partition(":")[0],
            fault=fault,
            started_at=now,
            seen_at=now,
        )
        session.add(row)
        session.flush()
        return row.id
