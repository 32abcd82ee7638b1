"""The database of many machines."""

from __future__ import annotations

import select
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError

from server.storage.config import ConfigError

CHANNEL = "gradmark"  # what migration 0010's triggers notify when something waits to be graded
_TAKE_TURN = "SELECT pg_advisory_xact_lock(7496035, 1)"  # among Gradmark's writers of one database
_SECONDS_BETWEEN_CONNECTS = 5.0
_SECONDS_OF_A_CLOCK = 60.0
_SECONDS_OF_TRUST = 5.0  # for how long an unused connection is believed to be there
# A host that vanishes in the middle of a transaction must not keep the others waiting: the server
# ends what is silent, and both ends notice a cut line within half a minute.
_SERVER = {
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    # Figures about a class are read by its keys, scattered over large tables: on today's disks that
    # is quicker than to read a table from end to end, which PostgreSQL's own settings prefer.
    "random_page_cost": "1.1",
    "work_mem": "16MB",
}
_CLIENT: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "application_name": "gradmark",
}


class Postgresql:
    def __init__(self, url: URL) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in _SERVER.items())
        try:
            self._engine: Engine = create_engine(
                url,
                connect_args={**_CLIENT, "options": options},
                pool_size=16,
                hide_parameters=True,
            )
        except ImportError:
            raise ConfigError(
                "PostgreSQL needs a driver: pip install 'gradmark[postgresql]'."
            ) from None
        event.listen(self._engine, "connect", _set_up)
        event.listen(self._engine, "checkin", _put_back)
        event.listen(self._engine, "checkout", _still_there)
        event.listen(self._engine, "begin", _begin)
        self.reader: Engine = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # Without a transaction around it, a statement is one round trip in place of three.
        self.asker: Engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self.writer: Engine = self._engine.execution_options(gradmark_begin=_TAKE_TURN)
        self.toucher: Engine = self._engine
        self.clock = _ServerClock(self._engine)
        self._news = _News(url)

    def writes(self) -> int:
        """Another number after each notice that something waits. While the line is down there are
        none, and whoever relies on them looks by the clock."""
        return self._news.count()

    def close(self) -> None:
        self._news.close()
        self._engine.dispose()


class _ServerClock:
    """The database's time, the same for all hosts whatever their own clocks say: asked for once a
    minute, and counted on from there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._asked = 0.0
        self._told: datetime | None = None

    def __call__(self) -> datetime:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        with self._lock:
            if self._told is None or now - self._asked > _SECONDS_OF_A_CLOCK:
                with self._engine.begin() as connection:
                    self._told = connection.scalars(text("SELECT clock_timestamp()")).one()
                self._asked = now
            return self._told.astimezone(UTC) + timedelta(seconds=now - self._asked)


class _News:
    """Notices, on a connection of their own that lives as long as the line does."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any = None
        self._next_connect = 0.0
        self._count = 0

    def count(self) -> int:
        import psycopg

        try:
            if self._connection is None and time.monotonic() >= self._next_connect:
                self._next_connect = time.monotonic() + _SECONDS_BETWEEN_CONNECTS
                self._connection = psycopg.connect(self._url, autocommit=True, **_CLIENT)
                self._connection.execute(f"LISTEN {CHANNEL}")
                self._count += 1  # what was said meanwhile was not heard
            if self._connection is not None:
                self._count += sum(1 for _ in self._connection.notifies(timeout=0))
        except psycopg.OperationalError:
            self.close()
        return self._count

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _set_up(connection: Any, _record: object) -> None:
    from psycopg.types.string import StrDumper

    class WithoutNul(StrDumper):
        """No text of PostgreSQL can hold the character zero, which nobody types."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", ""))

    connection.adapters.register_dumper(str, WithoutNul)


def _put_back(_connection: object, record: Any) -> None:
    record.info["unused_since"] = time.monotonic()


def _still_there(connection: Any, record: Any, _proxy: object) -> None:
    """Connections from before a restart of the database, or over a line that is cut, are made anew.

    To ask the server each time would double what most transactions cost. One that was used lately
    is only asked when something has come that nobody waited for: its end, as a rule.
    """
    import psycopg

    since = record.info.get("unused_since")
    if since is None:  # new
        return
    if time.monotonic() - since < _SECONDS_OF_TRUST and not _has_something(connection):
        return
    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.OperationalError:
        raise DisconnectionError from None


def _has_something(connection: Any) -> bool:
    """Whether there is something to read; also where the connection is closed."""
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _begin(connection: Connection) -> None:
    if (first := connection.get_execution_options().get("gradmark_begin")) is not None:
        connection.exec_driver_sql(first)
