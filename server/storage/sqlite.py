"""The embedded database: one file, and nothing to set up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import PoolProxiedConnection

from server.clock import Clock, utc_now

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit survives a power cut: accepted means accepted
    "foreign_keys = ON",
)
_BUSY_SECONDS = 30


class Sqlite:
    clock: Clock = staticmethod(utc_now)

    def __init__(self, url: URL) -> None:
        self.reader: Engine = create_engine(
            url,
            connect_args={"timeout": _BUSY_SECONDS},
            pool_size=16,
            hide_parameters=True,  # errors are logged, and what people typed is not
        )
        event.listen(self.reader, "connect", _set_up)
        event.listen(self.reader, "begin", _begin)
        self.asker: Engine = self.reader
        # A transaction that reads first and writes later would fail, not wait, when another process
        # writes in between; one that means to write therefore takes its turn at the start.
        self.writer: Engine = self.reader.execution_options(gradmark_begin="BEGIN IMMEDIATE")
        self.toucher: Engine = self.writer
        self._watching: PoolProxiedConnection | None = None

    def writes(self) -> int:
        """Another number after each transaction of somebody else."""
        if self._watching is None:
            self._watching = self.reader.raw_connection()
        cursor = self._watching.cursor()
        try:
            return int(cursor.execute("PRAGMA data_version").fetchone()[0])
        finally:
            cursor.close()

    def close(self) -> None:
        if self._watching is not None:
            self._watching.close()
            self._watching = None
        self.reader.dispose()


def _set_up(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("gradmark_begin", "BEGIN"))
