"""The database: how it is read, written and brought up to date, whichever it is."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, inspect, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from server.clock import Clock
from server.storage.changes import Counting
from server.storage.config import Config, ConfigError, DatabaseAway
from server.storage.models import Content, Key, Submission
from server.storage.postgresql import Postgresql
from server.storage.sqlite import Sqlite

log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).with_name("migrations")
_FILES, _KEY = "submissions", "session.key"  # beside an embedded database, until migration 0010
_AT_START = 60.0  # seconds
_SECONDS_BETWEEN_TRIES = 2.0
_AWAY = ("08", "57P")  # SQLSTATE classes: no connection; shutting down, starting up


class Database:
    """
    Raises:
        ConfigError: what the database needs is not installed.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self._kind = Sqlite(url) if url.get_backend_name() == "sqlite" else Postgresql(url)

    @property
    def is_embedded(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def clock(self) -> Clock:
        """The time that all hosts agree on."""
        return self._kind.clock

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; never waits for a writer."""
        with Session(self._kind.reader, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def ask(self) -> Iterator[Session]:
        """For a single query: what it sees is consistent in itself. Cheaper than `read`."""
        with Session(self._kind.asker, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is alone in writing from its first statement to its commit."""
        with Counting(self._kind.writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def touch(self) -> Iterator[Session]:
        """A transaction that locks the one row that it changes and decides nothing else: where the
        database can, it waits for no writer of other rows."""
        with Counting(self._kind.toucher, expire_on_commit=False) as session, session.begin():
            yield session

    def key(self, name: str) -> bytes:
        """A secret of the server's own, made when it is first asked for: 32 bytes."""
        with self.read() as session:
            found = session.scalar(select(Key.value).where(Key.name == name))
        if found is None:
            with self.write() as session:
                row = session.get(Key, name) or Key.new(name)
                session.add(row)
                found = row.value
        return found

    def migrate(self, *, patience: float = 0.0) -> None:
        """Bring the tables up to date. Processes that start together take turns.

        Args:
            patience: seconds for which one that does not answer is asked again. It may be starting
                itself, as after a power cut, or its line may be down.

        Raises:
            ConfigError: the database belongs to a version that this one knows nothing of.
            DatabaseAway: it does not answer.
        """
        until = time.monotonic() + patience
        while True:
            try:
                if not self._is_up_to_date():  # as nearly always: Alembic takes longer than most
                    self._upgrade()
                break
            except OperationalError as error:
                if not is_away(error):
                    raise
                away = DatabaseAway(f"The database {self.name} does not answer: {_reason(error)}.")
                if time.monotonic() > until:
                    raise away from None
            log.warning("%s It is asked again.", away)
            time.sleep(_SECONDS_BETWEEN_TRIES)
        if self.is_embedded:  # committed: what lies in the folder is in the database, or nobody's
            data = Path(str(self.url.database)).parent
            self._drop_taken_in(data / _FILES)
            (data / _KEY).unlink(missing_ok=True)

    def _drop_taken_in(self, folder: Path) -> None:
        """The files that migration 0010 has taken in. What an older server, still running, puts
        there meanwhile is nowhere else."""
        if not folder.is_dir():
            return
        lacking = select(Submission.public_id).where(
            ~select(Content.submission_id).where(Content.submission_id == Submission.id).exists()
        )
        with self.read() as session:
            kept = set(session.scalars(lacking))
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)
        with suppress(OSError):  # something is kept
            folder.rmdir()

    def _upgrade(self) -> None:
        import alembic.command
        import alembic.config
        from alembic.util import CommandError

        config = alembic.config.Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with self._kind.writer.begin() as connection:
            config.attributes["connection"] = connection
            try:
                alembic.command.upgrade(config, "head")
            except CommandError:
                raise ConfigError(
                    f"The database {self.name} was made by a version of Gradmark "
                    "that this one cannot continue: use that version, or another data directory."
                ) from None

    def _is_up_to_date(self) -> bool:
        newest = max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py"))
        with self._kind.reader.begin() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            found = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
        return found == [newest]

    @property
    def name(self) -> str:
        """For messages: without a password."""
        if self.is_embedded:
            return str(self.url.database)
        return self.url.set(drivername="postgresql", password=None, query={}).render_as_string()

    def writes(self) -> int:
        """Another number each time that anybody may have made something due. To ask costs next to
        nothing; it is asked from one thread."""
        return self._kind.writes()

    def close(self) -> None:
        self._kind.close()


def opened(config: Config) -> Database:
    """The database of what is to run for long, up to date: it is waited for, for a minute.

    Raises:
        ConfigError: the data directory or the database cannot be used.
        DatabaseAway: it does not answer.
    """
    config.prepare()
    database = Database(config.database)
    database.migrate(patience=_AT_START)
    return database


def is_full(error: BaseException | None) -> bool:
    """Whether something could not be written because the disk is full, or takes nothing at all."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    if not isinstance(error, DBAPIError):
        return False
    if _sqlstate(error) in {"53100", "25006"}:  # disk_full, read_only_sql_transaction
        return True
    return any(words in str(error.orig) for words in ("disk is full", "readonly database"))


def is_away(error: BaseException | None) -> bool:
    """Whether the database could not be reached, which passes by itself."""
    if not isinstance(error, DBAPIError):
        return False
    state = _sqlstate(error)
    return error.connection_invalidated or state is None or state.startswith(_AWAY)


def passes(error: BaseException | None) -> bool:
    """Whether what failed works again once the database answers, or its disk has room."""
    return is_away(error) or is_full(error)


@contextmanager
def forgiving(what: str) -> Iterator[None]:
    """What can be left out while the database is away, or has no room: it is logged as `what`."""
    try:
        yield
    except DBAPIError as error:
        if not passes(error):
            raise
        log.warning("%s: the database %s", what, why(error))


def why(error: BaseException) -> str:
    if not is_full(error):
        return "does not answer"
    told = str(getattr(error, "orig", error))
    return "is read-only" if "read-only" in told or "readonly" in told else "is full"


def _sqlstate(error: DBAPIError) -> str | None:
    """Of PostgreSQL's refusals; None: it did not even answer. SQLite has none: ""."""
    found: str | None = getattr(error.orig, "sqlstate", "")
    return found


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0].strip().rstrip(".")
