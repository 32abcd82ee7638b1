"""All that a database holds, into another one, whichever kinds they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, Table, func, insert, inspect, select, text
from sqlalchemy.orm import Session

from server.storage.database import Database
from server.storage.models import Base, Content, Submission

_AT_A_TIME = 50  # rows: one may hold megabytes


class CopyError(Exception):
    """It cannot be done, and nothing was written; the message is one sentence."""


def copy(source: Database, target: Database) -> dict[str, int]:
    """Copy every row in one transaction, compare what came of each, and tell how many each table
    has. Both are up to date (`Database.migrate`); nobody writes to the target.

    Raises:
        CopyError: the target is not empty, the source is damaged, or a row has not arrived.
    """
    counts = {}
    with source.read() as old, target.write() as new:
        tables = Base.metadata.sorted_tables
        if taken := next((t.name for t in tables if new.execute(select(t).limit(1)).first()), None):
            raise CopyError(f"The database {target.name} is not empty: it has {taken} already.")
        check(old)
        for table in tables:
            for batch in _batches(old, table):
                new.execute(insert(table), [dict(row._mapping) for row in batch])
            counts[table.name], before = _sum(old, table)
            if (counts[table.name], before) != _sum(new, table):
                raise CopyError(f"The rows of {table.name} are not the same in {target.name}.")
        if not target.is_embedded:
            _count_on(new)
    return counts


def check(session: Session) -> int:
    """How many submissions there are, each with what was handed in.

    Raises:
        CopyError: the content of one is missing, or is not what was handed in.
    """
    query = (
        select(Submission.public_id, Submission.digest, Content.content)
        .outerjoin(Content, Content.submission_id == Submission.id)
        .execution_options(yield_per=_AT_A_TIME)
    )
    count = 0
    for public_id, digest, content in session.execute(query):
        count += 1
        if content is None:
            raise CopyError(f"What was handed in as submission {public_id} is missing.")
        if hashlib.sha256(content).hexdigest() != digest:
            raise CopyError(f"Submission {public_id} is not what was handed in.")
    return count


def _batches(session: Session, table: Table) -> Iterator[Any]:
    query = select(table).order_by(*table.primary_key)
    return session.execute(query, execution_options={"yield_per": _AT_A_TIME}).partitions()


def _sum(session: Session, table: Table) -> tuple[int, int]:
    """How many rows, and the sum of their digests: databases sort words differently."""
    count = total = 0
    for batch in _batches(session, table):
        for row in batch:
            count += 1
            total += int.from_bytes(hashlib.sha256(_bytes(row)).digest(), "big")
    return count, total % 2**256


def _bytes(row: Row[Any]) -> bytes:
    values = [value.hex() if isinstance(value, bytes) else value for value in row]
    # PostgreSQL's text cannot hold the character zero.
    return json.dumps(values, default=str).replace(r"\u0000", "").encode()


def _count_on(session: Session) -> None:
    """New rows get numbers after those that were copied."""
    for table in Base.metadata.sorted_tables:
        column = inspect(table).autoincrement_column
        if column is None:
            continue
        largest = session.scalar(select(func.max(column)))
        if largest is not None:
            session.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :largest)"),
                {"table": table.name, "column": column.name, "largest": largest},
            )
