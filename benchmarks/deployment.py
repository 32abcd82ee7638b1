"""A course on a database, and the real processes that serve and grade it on this machine: what the
benchmarks of the server share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from autograder.topics.catalogue import Catalogue
from server import courses
from server.people import accounts, tokens
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import Course, Role, Scope
from tests.server import services

ROOT = Path(__file__).resolve().parents[1]
TOPIC = "losses"
ASSIGNMENTS = 4  # of the same topic: a newer submission supersedes one that waits
COURSE = """
[course]
slug = "bench"
title = "Benchmark"
timezone = "UTC"
"""
ASSIGNMENT = """
[[assignments]]
slug = "a{number}"
topic = "{topic}"
title = "Assignment {number}"
points = 10
opens = 2020-01-01 00:00:00
due = 2099-01-01 00:00:00
"""


def furnish(database: Database, catalogue: Catalogue, students: int) -> list[str]:
    """Make the course and its students; return their API tokens."""
    now = datetime.now(UTC)
    toml = COURSE + "".join(
        ASSIGNMENT.format(number=number, topic=TOPIC) for number in range(ASSIGNMENTS)
    )
    found = []
    with database.write() as session:
        courses.sync(session, courses.read(toml, catalogue.assignments), at=now, actor=None)
        course = session.query(Course).one()
        for number in range(students):
            address = f"s{number}@generated.invalid"
            user = accounts.create(session, address, "", at=now, actor=None)
            accounts.enrol(session, course, user, Role.STUDENT, at=now, actor=None)
            found.append(
                tokens.issue(session, user, "bench", [Scope.SUBMIT], at=now, expires_at=None)
            )
    return found


@contextmanager
def shared(name: str = "bench") -> Iterator[tuple[services.PostgreSQL, str]]:
    """A PostgreSQL of its own that keeps what it commits, as a real one does."""
    with services.postgresql(fsync="on", shared_buffers="256MB") as server:
        yield server, server.create(name)


@dataclass(frozen=True)
class Part:
    """Processes, with all that they have started."""

    name: str
    roots: tuple[int, ...]

    def seconds(self) -> float:
        """Of processors, that they have used so far."""
        total = 0.0
        for root in self.roots:
            try:
                tree = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for process in tree:
                try:
                    times = process.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                total += times.user + times.system + times.children_user + times.children_system
        return total


@dataclass(frozen=True)
class Deployment:
    urls: list[str]
    parts: list[Part]


@contextmanager
def deployed(
    config: Config, *, webs: int = 1, graders: int = 1, server: services.PostgreSQL | None = None
) -> Iterator[Deployment]:
    """Web servers and graders; on SQLite, which one machine uses, one server that has both."""
    environment = {**os.environ}
    if config.shared is not None:
        environment["GRADMARK_DATABASE"] = config.shared
    with ExitStack() as running:

        def start(*command: str, folder: str) -> subprocess.Popen[bytes]:
            gradmark = (sys.executable, "-c", "from autograder.cli import main; main()")
            process = subprocess.Popen(
                [*gradmark, *command, "--data", str(config.data.with_name(folder))],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            running.callback(process.wait, 60)
            running.callback(process.terminate)
            return process

        urls, serving = [], []
        beside = "0" if config.shared is not None else str(graders)
        for number in range(webs):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            folder = config.data.name if config.shared is None else f"web{number}"
            options = ("--port", str(port), "--graders", beside)
            serving.append(start("serve", *options, folder=folder).pid)
            urls.append(f"http://127.0.0.1:{port}")
        grading = [
            start("grader", folder=f"grader{number}").pid
            for number in range(graders if config.shared is not None else 0)
        ]
        for url in urls:
            _wait_for(url)
        parts = [Part("web servers" if grading else "server and graders", tuple(serving))]
        if grading:
            parts.append(Part("graders", tuple(grading)))
        if server is not None:
            parts.append(Part("PostgreSQL", (server.pid,)))
        yield Deployment(urls, parts)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit("The server did not start.")
        time.sleep(0.2)
