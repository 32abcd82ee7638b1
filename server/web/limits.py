"""Limits that several web servers count together, in the database that they share."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timedelta

from limits.storage import MovingWindowSupport, Storage
from sqlalchemy import Integer, bindparam, delete, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.storage.database import Database
from server.storage.models import Hit

SCHEME = "gradmark"
_SECONDS_BETWEEN_SWEEPS = 10.0

_HITS = Hit.__table__.c
_COUNTED = (
    select(func.count())
    .where(_HITS.key == bindparam("key"), _HITS.at >= bindparam("since"))
    .scalar_subquery()
)
# Where no more than so many count already.
_TAKE = insert(Hit.__table__).from_select(  # type: ignore[arg-type]
    ["key", "at", "expires_at"],
    select(
        *(bindparam(name, type_=_HITS[name].type) for name in ("key", "at", "expires_at"))
    ).where(bindparam("most", type_=Integer) >= _COUNTED),
)

_ALONE = text("SELECT pg_advisory_xact_lock(:key), set_config('synchronous_commit', 'off', true)")


class SharedLimits(Storage, MovingWindowSupport):
    """Each counted request is a row until its window is over. Keys are kept as digests: they hold
    addresses."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012

    def __init__(self, uri: str | None = None, database: Database | None = None, **_: object):
        super().__init__(uri)
        assert database is not None  # noqa: S101 - flask-limiter passes on what it was given
        self._database = database
        self._next_sweep = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        digest, now = _digest(key), self._database.clock()
        with self._database.touch() as session:
            _alone(session, digest)
            self._sweep(session, now)
            window = timedelta(seconds=expiry)
            row = {"key": digest, "at": now, "expires_at": now + window}
            bounds = {"since": now - window, "most": limit - amount}
            if not session.connection().execute(_TAKE, {**row, **bounds}).rowcount:
                return False
            if amount > 1:
                session.execute(insert(Hit), [row] * (amount - 1))
        return True

    def _sweep(self, session: Session, now: datetime) -> None:
        """Drop what counts no more, now and then."""
        if time.monotonic() >= self._next_sweep:
            session.execute(delete(Hit).where(Hit.expires_at < now))
            self._next_sweep = time.monotonic() + _SECONDS_BETWEEN_SWEEPS

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        digest, now = _digest(key), self._database.clock()
        since = now - timedelta(seconds=expiry)
        with self._database.read() as session:
            first = session.scalar(
                select(func.min(Hit.at)).where(Hit.key == digest, Hit.at >= since)
            )
            return (first or now).timestamp(), self._count(session, digest, since)

    @staticmethod
    def _count(session: Session, digest: str, since: datetime) -> int:
        query = select(func.count()).where(Hit.key == digest, Hit.at >= since)
        return session.scalar(query) or 0

    # Of the other strategies, which are not used here.

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    def get(self, key: str) -> int:
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with self._database.touch() as session:
            session.execute(delete(Hit))
        return None

    def clear(self, key: str) -> None:
        with self._database.touch() as session:
            session.execute(delete(Hit).where(Hit.key == _digest(key)))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _alone(session: Session, digest: str) -> None:
    """Who counts the same waits; who counts another does not. Nobody waits for the disk: what is
    counted may be forgotten when the database breaks down."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_ALONE, {"key": _number(digest)})


def _number(digest: str) -> int:
    return int.from_bytes(bytes.fromhex(digest[:16]), "big", signed=True)
