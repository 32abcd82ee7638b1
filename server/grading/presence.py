"""Graders say that they are there, so that pages and metrics can tell how many are."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.clock import Clock
from server.grading.heartbeat import repeated
from server.storage.database import Database, forgiving
from server.storage.models import GraderProcess

BEAT = timedelta(seconds=5)
ALIVE = 4 * BEAT  # for how long a silent grader is believed to be there
_FORGOTTEN = timedelta(days=1)


@contextmanager
def announced(
    database: Database, clock: Clock | None = None, beat: timedelta = BEAT
) -> Iterator[None]:
    """While this holds, the process counts as a grader."""
    clock = clock or database.clock
    key: int | None = None

    def seen() -> None:
        nonlocal key
        with database.touch() as session:
            row = None if key is None else session.get(GraderProcess, key)
            if row is not None:
                row.seen_at = clock()
        if row is None:
            key = _enter(database, clock())

    with forgiving("no sign of life"):
        seen()
    try:
        with repeated(seen, beat, "sign of life"):
            yield
    finally:
        with forgiving("not signed off"), database.write() as session:
            session.execute(delete(GraderProcess).where(GraderProcess.id == key))


def alive(session: Session, now: datetime) -> Sequence[GraderProcess]:
    """The graders that gave a sign of life lately."""
    return session.scalars(
        select(GraderProcess).where(GraderProcess.seen_at >= now - ALIVE).order_by(GraderProcess.id)
    ).all()


def _enter(database: Database, now: datetime) -> int:
    with database.write() as session:
        session.execute(delete(GraderProcess).where(GraderProcess.seen_at < now - _FORGOTTEN))
        row = GraderProcess(
            name=f"{socket.gethostname()}:{os.getpid()}"[:200], started_at=now, seen_at=now
        )
        session.add(row)
        session.flush()
        return row.id
