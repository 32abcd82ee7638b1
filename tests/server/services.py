"""Servers that others need, real ones: started by the tests on free ports, gone afterwards.

`make services` installs them from Debian's packages. Without CI, what is not installed skips.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from kombu import Connection

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def program(name: str, *folders: str) -> str:
    """Where it is, also when Debian keeps it off the path."""
    debian = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    path = os.pathsep.join([*folders, *reversed(debian), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        said = f"{name} is not installed: make services"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return found


class PostgreSQL:
    """A cluster of its own, in memory as far as it can be: it is not kept.

    Args:
        host: the address by which others reach it.
        settings: the server's, other than those of tests.
    """

    def __init__(self, directory: Path, host: str = LOOPBACK, **settings: str) -> None:
        self._directory = directory
        self._host = host
        self._settings = settings
        self._data = directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        # It refuses to run as root.
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        if os.geteuid() != 0:
            self._as = []
        else:
            shutil.chown(directory, "postgres", "postgres")
            directory.chmod(0o700)
        command = [program("initdb"), "--pgdata", str(self._data), "--username", "gradmark"]
        command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        subprocess.run([*self._as, *command], check=True, stdout=subprocess.DEVNULL, cwd=directory)
        if host != LOOPBACK:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all trust\n")

    def start(self) -> None:
        options = {
            "listen_addresses": self._host,
            "port": str(self.port),
            "unix_socket_directories": str(self._directory),
            "fsync": "off",
            "shared_buffers": "32MB",
            "max_connections": "200",
            **self._settings,
        }
        command = [program("postgres"), "-D", str(self._data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as, *command], stdout=log, stderr=log, cwd=self._directory
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self._directory / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self, how: int = 3) -> None:
        """By SIGQUIT: at once, as when the machine goes down; with SIGKILL, without its children
        knowing."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str) -> str:
        return f"postgresql://gradmark@{self._host}:{self.port}/{database}"

    def create(self, name: str, template: str = "template0") -> str:
        """The address of a new database, made like another one that nobody uses."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Daemon:
    """A broker on a free port, which may be killed and started again."""

    def __init__(self, directory: Path, host: str = LOOPBACK) -> None:
        self.port = free_port()
        self._host = host
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def _command(self) -> tuple[list[str], dict[str, str]]:
        raise NotImplementedError

    def start(self) -> None:
        command, environment = self._command()
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        deadline = time.monotonic() + 180
        while not self._answers():
            assert time.monotonic() < deadline, (self._directory / "log").read_text()[-3000:]
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=2) as connection:
                connection.connect()
        except Exception:  # whatever the driver raises
            return False
        return True

    def stop(self) -> None:
        """By SIGKILL, and all that it started with it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def purge(self, *queues: str) -> None:
        """Forget every message."""
        with Connection(self.url) as connection:
            for name in queues:
                with suppress(*connection.channel_errors):
                    connection.channel().queue_purge(name)

    @property
    def url(self) -> str:
        raise NotImplementedError


class RabbitMQ(Daemon):
    _names: subprocess.Popen[bytes] | None = None

    def _command(self) -> tuple[list[str], dict[str, str]]:
        here = str(self._directory)
        self._distribution = free_port()
        # Its guest may come from elsewhere too.
        (self._directory / "rabbitmq.conf").write_text("loopback_users = none\n")
        return [program("rabbitmq-server", "/usr/lib/rabbitmq/bin")], {
            "HOME": here,
            "RABBITMQ_NODENAME": f"gradmark{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": self._host,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "ERL_EPMD_PORT": str(self._port_of_names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_BASE": here,
            "RABBITMQ_MNESIA_BASE": f"{here}/mnesia",
            "RABBITMQ_LOG_BASE": here,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/plugins",
            "RABBITMQ_PID_FILE": f"{here}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self._host}:{self.port}//"

    def start(self) -> None:
        """With a name server of its own: one that Erlang starts would outlive it."""
        self._port_of_names = free_port()
        command = [program("epmd"), "-port", str(self._port_of_names), "-address", "127.0.0.1"]
        self._names = subprocess.Popen(command)
        super().start()

    def stop(self) -> None:
        super().stop()
        if self._names is not None:
            self._names.kill()
            self._names.wait()


class Redis(Daemon):
    def _command(self) -> tuple[list[str], dict[str, str]]:
        command = [program("redis-server"), "--port", str(self.port), "--bind", self._host]
        return [
            *command,
            "--protected-mode",
            "no",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self._directory),
        ], {}

    @property
    def url(self) -> str:
        return f"redis://{self._host}:{self.port}/0"


@contextmanager
def broker(kind: type[Daemon], host: str = LOOPBACK) -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="gradmark-broker-") as folder:
        server = kind(Path(folder), host)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def postgresql(host: str = LOOPBACK, **settings: str) -> Iterator[PostgreSQL]:
    with tempfile.TemporaryDirectory(prefix="gradmark-postgresql-") as folder:
        server = PostgreSQL(Path(folder), host, **settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
