"""Sending what is due: by one sender per kind, each row by one process at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from server.clock import Clock, utc_now
from server.storage.database import Database
from server.storage.models import Delivery, Kind, Outgoing

log = logging.getLogger(__name__)

_AT_ONCE = 50  # rows in one sweep
_LEASE = timedelta(minutes=5)  # for how long a sender may take
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
_GIVEN_UP = timedelta(days=3)
_FORGOTTEN = timedelta(days=90)


class Later(Exception):
    """It has not arrived and may do so later; the message says why, without personal data."""


class Never(Exception):
    """It has not arrived and never will."""


class Uncertain(Exception):
    """It may have arrived: it is not sent again."""


class Held(Exception):
    """It is not to be told yet: it waits until `box.release` says so."""


class Gone(Exception):
    """There is nothing to tell any more."""


Sender: TypeAlias = Callable[[Outgoing], None]


class Sweep:
    """
    Args:
        senders: what sends each kind, raising one of the above where it does not; what has no
            sender is dropped.
        repeatable: kinds that may be sent again when nobody knows whether they have arrived.
        before: what puts in what only time brings about.
    """

    def __init__(
        self,
        database: Database,
        senders: Mapping[Kind, Sender],
        *,
        repeatable: Sequence[Kind] = (Kind.GRADE,),
        before: Sequence[Callable[[], None]] = (),
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._senders = senders
        self._repeatable = repeatable
        self._before = before
        self._clock = clock

    def __call__(self) -> int:
        """Send what is due; return how many were sent."""
        for job in self._before:
            try:
                job()
            except Exception:
                log.exception("a reminder could not be put in")
        sent = 0
        for _ in range(_AT_ONCE):
            row = self._claim()
            if row is None:
                break
            sent += self._send(row)
        return sent

    def _due(self) -> list[object]:
        """Also what was being sent by a process that is gone: its lease stands in `not_before`."""
        states = (Delivery.WAITING, Delivery.SENDING)
        old = and_(
            Outgoing.state == Delivery.SENT,
            Outgoing.sent_at < self._clock() - _FORGOTTEN,
            Outgoing.kind != Kind.GRADE,
        )
        return [or_(and_(Outgoing.state.in_(states), Outgoing.not_before <= self._clock()), old)]

    def _claim(self) -> Outgoing | None:
        query = select(Outgoing).where(*self._due()).order_by(Outgoing.not_before, Outgoing.id)  # type: ignore[arg-type]
        with self._database.read() as session:
            if session.scalar(query.limit(1)) is None:
                return None
        with self._database.write() as session:
            for row in session.scalars(query.limit(_AT_ONCE).with_for_update(skip_locked=True)):
                if self._take(session, row):
                    return row
        return None

    def _take(self, session: Session, row: Outgoing) -> bool:
        now = self._clock()
        if row.state is Delivery.SENT or row.kind not in self._senders:
            session.execute(delete(Outgoing).where(Outgoing.id == row.id))
            return False
        if row.state is Delivery.SENDING and row.kind not in self._repeatable:
            _end(row, Delivery.FAILED, "The server stopped while it was sent: it may have arrived.")
            return False
        row.state, row.not_before = Delivery.SENDING, now + _LEASE
        row.attempts += 1
        return True

    def _send(self, row: Outgoing) -> bool:
        try:
            self._senders[row.kind](row)
        except Gone:
            return self._finish(row, None, None)
        except Held:
            return self._finish(row, Delivery.HELD, None)
        except Later as error:
            return self._finish(row, Delivery.WAITING, str(error))
        except (Never, Uncertain) as error:
            return self._finish(row, Delivery.FAILED, str(error))
        except Exception as error:
            log.exception("could not be sent", extra={"outbox": row.id, "kind": row.kind.value})
            kind = Delivery.WAITING if row.kind in self._repeatable else Delivery.FAILED
            return self._finish(row, kind, f"A fault of ours: {type(error).__name__}.")
        return self._finish(row, Delivery.SENT, None)

    def _finish(self, claimed: Outgoing, state: Delivery | None, fault: str | None) -> bool:
        """Write what became of it, unless there is something newer to tell by now."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get(Outgoing, claimed.id, with_for_update=True)
            if row is None or (row.state, row.attempts) != (Delivery.SENDING, claimed.attempts):
                return False  # the person was deleted, or the lease has run out
            if row.version != claimed.version:
                row.state, row.created_at, row.not_before = Delivery.WAITING, now, now
                row.attempts = 0
            elif state is None:
                session.delete(row)
            elif state is Delivery.HELD:
                row.state, row.attempts = state, 0
            elif state is Delivery.WAITING:
                _wait(row, now, fault or "")
            else:
                _end(row, state, fault, now)
        if fault is not None:
            extra = {"outbox": claimed.id, "kind": claimed.kind.value, "fault": fault}
            log.warning("not sent", extra=extra)
        return state is Delivery.SENT


def _wait(row: Outgoing, now: datetime, fault: str) -> None:
    """Twice as long each time, for some days."""
    if now - row.created_at > _GIVEN_UP:
        _end(row, Delivery.FAILED, fault)
        return
    wait = min(_FIRST_WAIT * 2 ** min(row.attempts - 1, 20), _LONGEST_WAIT)
    row.state, row.not_before, row.last_fault = Delivery.WAITING, now + wait, fault[:500]


def _end(
    row: Outgoing, state: Delivery, fault: str | None, sent_at: datetime | None = None
) -> None:
    row.state = state
    row.last_fault = None if fault is None else fault[:500]
    row.sent_at = sent_at if state is Delivery.SENT else None
