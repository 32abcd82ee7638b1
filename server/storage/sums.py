"""Sums that only grow, in the database: what adds to them belongs into the transaction that does
what is counted, so that nothing is counted twice.

They are rows that everybody adds to. What a transaction adds is written at its end, in one
statement and one order, so that they are locked for as short a time as can be.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from sqlalchemy.dialects import postgresql as in_postgresql
from sqlalchemy.dialects import sqlite as in_sqlite
from sqlalchemy.orm import Session

from server.storage.models import Base, Meter

_NOTED = "sums"


def add(session: Session, *sums: tuple[str, str, float]) -> None:
    """Names, labels and what is added, once the session commits (`server.storage.changes`)."""
    noted = session.info.setdefault(_NOTED, Counter())
    for name, label, amount in sums:
        noted[name, label] += amount


def write(session: Session) -> None:
    """What has been noted."""
    noted = session.info.pop(_NOTED, {})
    rows = [{"name": key[0], "label": key[1], "value": noted[key]} for key in sorted(noted)]
    if rows:
        connection = session.connection()
        connection.execute(_adding(connection.dialect.name), rows)


def upsert(dialect: str, table: type[Base]) -> Any:
    """An INSERT that may say `on_conflict_do_update`."""
    return (in_sqlite if dialect == "sqlite" else in_postgresql).insert(table)


@lru_cache
def _adding(dialect: str) -> Any:
    """Made once: it is executed with every upload and every claim."""
    new = upsert(dialect, Meter)
    return new.on_conflict_do_update(
        index_elements=["name", "label"], set_={"value": Meter.value + new.excluded.value}
    )
