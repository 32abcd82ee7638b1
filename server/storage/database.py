"""The database: how it is opened, read, written and brought up to date."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from server.storage.config import ConfigError

_MIGRATIONS = Path(__file__).with_name("migrations")
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit survives a power cut: accepted means accepted
    "foreign_keys = ON",
)
_BUSY_SECONDS = 30


class Database:
    def __init__(self, path: Path) -> None:
        self._engine = create_engine(
            f"sqlite:///{path}",
            connect_args={"timeout": _BUSY_SECONDS},
            pool_size=16,
            hide_parameters=True,  # errors are logged, and what people typed is not
        )
        event.listen(self._engine, "connect", _set_up)
        event.listen(self._engine, "begin", _begin)
        self._watching: PoolProxiedConnection | None = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; never waits for a writer."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is alone in writing from its first statement to its commit."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the tables up to date. Processes that start together take turns.

        Raises:
            ConfigError: the database belongs to a version that this one knows nothing of.
        """
        if self._is_up_to_date():  # as nearly always: Alembic takes longer than most commands
            return
        import alembic.command
        import alembic.config
        from alembic.util import CommandError

        config = alembic.config.Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with self._writer.begin() as connection:
            config.attributes["connection"] = connection
            try:
                alembic.command.upgrade(config, "head")
            except CommandError:
                raise ConfigError(
                    f"The database {self._engine.url.database} was made by a version of Gradmark "
                    "that this one cannot continue: use that version, or another data directory."
                ) from None

    def _is_up_to_date(self) -> bool:
        newest = max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py"))
        with self._engine.begin() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            found = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
        return found == [newest]

    def writes(self) -> int:
        """Another number after each transaction of somebody else. To ask costs next to nothing; it
        is asked from one thread."""
        if self._watching is None:
            self._watching = self._engine.raw_connection()
        cursor = self._watching.cursor()
        try:
            return int(cursor.execute("PRAGMA data_version").fetchone()[0])
        finally:
            cursor.close()

    def close(self) -> None:
        if self._watching is not None:
            self._watching.close()
            self._watching = None
        self._engine.dispose()

    @property
    def _writer(self) -> Engine:
        return self._engine.execution_options(gradmark_begin="BEGIN IMMEDIATE")


def is_full(error: BaseException | None) -> bool:
    """Whether something could not be written because the disk is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, DBAPIError) and "disk is full" in str(error.orig)


def _set_up(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late: see _begin
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail, not wait, when another process
    # writes in between; one that means to write therefore takes its turn at the start.
    connection.exec_driver_sql(connection.get_execution_options().get("gradmark_begin", "BEGIN"))
