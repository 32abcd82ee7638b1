"""What handing in costs while graders work: `make bench` prints it for a short minute.

A real `gradmark serve` with real graders, and a class whose uploads arrive at random moments.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from argon2 import PasswordHasher
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from autograder.topics.catalogue import Catalogue
from server import courses
from server.people import accounts
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import Course, Role, State, Submission

TOPIC = "losses"
PASSWORD = "only for this measurement"  # noqa: S105
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


def furnish(database: Database, catalogue: Catalogue, students: int) -> None:
    now = datetime.now(UTC)
    toml = COURSE + "".join(
        ASSIGNMENT.format(number=number, topic=TOPIC) for number in range(ASSIGNMENTS)
    )
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.write() as session:
        courses.sync(session, courses.read(toml, catalogue.assignments), at=now, actor=None)
        course = session.scalars(select(Course)).one()
        for number in range(students):
            user = accounts.create(session, address(number), "", at=now, actor=None)
            accounts.enrol(session, course, user, Role.STUDENT, at=now, actor=None)
            user.password = quick


def address(student: int) -> str:
    return f"s{student}@generated.invalid"


@contextmanager
def serving(data: Path, graders: int) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = (sys.executable, "-c", "from autograder.cli import main; main()", "serve")
    options = ("--port", str(port), "--data", str(data), "--graders", str(graders))
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            if process.stdout is None or "Gradmark is at" not in process.stdout.readline():
                raise SystemExit("The server did not start.")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


class Student:
    """A browser, logged in."""

    def __init__(self, url: str, number: int) -> None:
        self._client = httpx.Client(base_url=url, timeout=60)
        self._lock = threading.Lock()
        self._client.post(
            "/login",
            data={
                "email": address(number),
                "password": PASSWORD,
                "csrf_token": self._csrf("/login"),
            },
        )
        self._token = self._csrf("/courses/bench/assignments/a0/")

    def _csrf(self, page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._client.get(page).text)
        if found is None:
            raise SystemExit("The benchmark's student could not log in.")
        return found[1]

    def hand_in(self, assignment: int, content: bytes) -> float | None:
        """Seconds until it was accepted; None when it was not."""
        with self._lock:
            started = time.perf_counter()
            answer = self._client.post(
                f"/courses/bench/assignments/a{assignment}/",
                data={"csrf_token": self._token},
                files={"file": ("losses.py", content)},
            )
            seconds = time.perf_counter() - started
        return seconds if answer.status_code == 303 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--graders", type=int, default=1)
    options = parser.parse_args()
    console = Console()
    catalogue = Catalogue.load()
    solution = catalogue[TOPIC].topics[0].solution().encode()
    chance = random.Random(1)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        config = Config(Path(folder) / "data")
        config.prepare()
        database = Database(config.database)
        database.migrate()
        furnish(database, catalogue, options.students)
        with console.status("Starting ..."), serving(config.data, options.graders) as url:
            students = [Student(url, number) for number in range(options.students)]
            sent: dict[str, float | None] = {}

            def upload(number: int) -> None:
                content = solution + f"\n# {number}\n".encode()
                who, assignment = number % options.students, number // options.students
                digest = hashlib.sha256(content).hexdigest()
                sent[digest] = students[who].hand_in(assignment % ASSIGNMENTS, content)

            console.print(f"{options.uploads} uploads in {options.seconds:g} seconds ...")
            moments = sorted(chance.uniform(0, options.seconds) for _ in range(options.uploads))
            began = time.perf_counter()
            with ThreadPoolExecutor(64) as pool:
                for number, moment in enumerate(moments):
                    time.sleep(max(0.0, began + moment - time.perf_counter()))
                    pool.submit(upload, number)
            took = time.perf_counter() - began
            with database.read() as session:
                kept = set(session.scalars(select(Submission.digest)))
                states = dict(
                    session.execute(
                        select(Submission.state, func.count()).group_by(Submission.state)
                    ).all()
                )
        database.close()
    accepted = {digest: seconds for digest, seconds in sent.items() if seconds is not None}
    times = sorted(1000 * seconds for seconds in accepted.values())
    table = Table(
        title=f"{options.uploads} uploads in {took:.0f} s, {options.graders} grader(s) at work",
        title_justify="left",
        box=None,
    )
    for heading in ("", "ms"):
        table.add_column(heading, justify="right" if heading else "left")
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    for name, value in (
        ("accepted after: median", cuts[49]),
        ("p95", cuts[94]),
        ("p99 (target: at most 500)", cuts[98]),
        ("slowest", times[-1]),
    ):
        table.add_row(name, f"{value:.0f}")
    console.print(table)
    console.print(
        f"{len(accepted)} accepted, {len(sent) - len(accepted)} refused, "
        f"{len(accepted.keys() - kept)} lost; "
        f"{states.get(State.GRADED, 0)} were graded meanwhile, "
        f"{states.get(State.SUPERSEDED, 0)} superseded while they waited."
    )
    if accepted.keys() - kept:
        raise SystemExit("Submissions were lost.")


if __name__ == "__main__":
    main()
