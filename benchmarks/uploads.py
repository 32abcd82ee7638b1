"""What handing in costs while graders work: `make bench` prints it for a short minute.

A real `gradmark serve` with real graders, on SQLite or on PostgreSQL, and a class whose uploads
arrive at random moments, through the API.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from autograder.topics.catalogue import Catalogue
from benchmarks.deployment import ASSIGNMENTS, TOPIC, Deployment, deployed, furnish, shared
from server.grading.meters import Readings
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import State, Submission


@dataclass(frozen=True)
class Load:
    uploads: int
    seconds: float
    seed: int = 1

    def moments(self) -> list[float]:
        chance = random.Random(self.seed)  # noqa: S311
        return sorted(chance.uniform(0, self.seconds) for _ in range(self.uploads))


@dataclass(frozen=True)
class Outcome:
    took: float  # seconds, of all uploads
    accepted: dict[str, float]  # seconds until it was, by digest
    refused: int
    busy: dict[str, float]  # seconds of processors meanwhile, by part
    graded_meanwhile: int


class Classroom:
    """Browsers enough for all that is under way at the same time, which take next to nothing of the
    processors themselves."""

    def __init__(self, deployment: Deployment, tokens: Sequence[str]) -> None:
        self._addresses = [urlsplit(url).netloc for url in deployment.urls]
        self._tokens = tokens
        self._own = threading.local()

    def hand_in(self, number: int, content: bytes) -> float | None:
        """Seconds until it was accepted; None when it was not."""
        if not hasattr(self._own, "lines"):
            self._own.lines = [HTTPConnection(address, timeout=60) for address in self._addresses]
        line = self._own.lines[number % len(self._addresses)]
        students = len(self._tokens)
        assignment = number // students % ASSIGNMENTS
        body = _FORM.replace(b"CONTENT", content)
        started = time.perf_counter()
        line.request(
            "POST",
            f"/api/v1/courses/bench/assignments/a{assignment}/submissions",
            body,
            {
                "Authorization": f"Bearer {self._tokens[number % students]}",
                "Content-Type": "multipart/form-data; boundary=form",
            },
        )
        answer = line.getresponse()
        answer.read()
        seconds = time.perf_counter() - started
        return seconds if answer.status == 201 else None


_FORM = (
    b'--form\r\nContent-Disposition: form-data; name="file"; filename="losses.py"\r\n'
    b"Content-Type: text/x-python\r\n\r\nCONTENT\r\n--form--\r\n"
)


def run(
    load: Load, deployment: Deployment, database: Database, tokens: Sequence[str], source: bytes
) -> Outcome:
    classroom = Classroom(deployment, tokens)
    sent: dict[str, float | None] = {}

    def upload(number: int) -> None:
        content = source + f"\n# {number}\n".encode()
        sent[hashlib.sha256(content).hexdigest()] = classroom.hand_in(number, content)

    before = {part.name: part.seconds() for part in deployment.parts}
    graded = _graded(database)
    began = time.perf_counter()
    with ThreadPoolExecutor(64) as pool:
        for number, moment in enumerate(load.moments()):
            time.sleep(max(0.0, began + moment - time.perf_counter()))
            pool.submit(upload, number)
    return Outcome(
        time.perf_counter() - began,
        {digest: seconds for digest, seconds in sent.items() if seconds is not None},
        sum(seconds is None for seconds in sent.values()),
        {part.name: part.seconds() - before[part.name] for part in deployment.parts},
        _graded(database) - graded,
    )


def _graded(database: Database) -> int:
    with database.read() as session:
        return session.scalar(
            select(func.count()).select_from(Submission).where(Submission.state == State.GRADED)
        )


def warm_up(
    deployment: Deployment, database: Database, tokens: Sequence[str], source: bytes, graders: int
) -> None:
    """Each grader has met the exercises, and what is kept of them is kept."""
    run(Load(2 * graders, 1.0), deployment, database, tokens, source + b"# warm")
    until = time.monotonic() + 180
    while time.monotonic() < until and waiting(database):
        time.sleep(0.2)


def waiting(database: Database) -> int:
    with database.read() as session:
        unfinished = Submission.state.in_((State.WAITING, State.GRADING))
        return session.scalar(select(func.count()).select_from(Submission).where(unfinished))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--graders", type=int, default=1)
    parser.add_argument("--web", type=int, default=1, help="servers, on PostgreSQL")
    parser.add_argument("--postgresql", action="store_true", help="on one that is started for it")
    options = parser.parse_args()
    console = Console()
    catalogue = Catalogue.load()
    source = catalogue[TOPIC].topics[0].solution().encode()
    load = Load(options.uploads, options.seconds)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        server, url = opened.enter_context(shared()) if options.postgresql else (None, None)
        config = Config(folder / "data", shared=url)
        config.prepare()
        database = Database(config.database)
        opened.callback(database.close)
        database.migrate()
        with console.status("Furnishing ..."):
            tokens = furnish(database, catalogue, options.students)
        with (
            console.status("Starting ..."),
            deployed(config, webs=options.web, graders=options.graders, server=server) as there,
        ):
            warm_up(there, database, tokens, source, options.graders)
            console.print(f"{load.uploads} uploads in {load.seconds:g} seconds ...")
            outcome = run(load, there, database, tokens, source)
        with database.read() as session:
            kept = set(session.scalars(select(Submission.digest)))
            superseded = session.scalar(
                select(func.count())
                .select_from(Submission)
                .where(Submission.state == State.SUPERSEDED)
            )
            grading = Readings(session)
    times = sorted(1000 * seconds for seconds in outcome.accepted.values())
    on = "PostgreSQL" if options.postgresql else "SQLite"
    table = Table(
        title=f"{options.uploads} uploads of {options.students} students in {outcome.took:.0f} s "
        f"on {on}, {options.graders} grader(s) at work",
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
    for name, seconds in outcome.busy.items():
        each = outcome.graded_meanwhile if name == "graders" else len(times)
        what = "grading" if name == "graders" else "upload"
        table.add_row(f"processor time of {name}, for each {what}", f"{1e3 * seconds / each:.0f}")
    console.print(table)
    console.print(
        f"{len(outcome.accepted)} accepted, {outcome.refused} refused, "
        f"{len(outcome.accepted.keys() - kept)} lost; "
        f"{outcome.graded_meanwhile} were graded meanwhile, {superseded} superseded while they "
        f"waited; a grading took {grading.seconds / max(1, gradings(grading)):.2f} s on the clock."
    )
    if outcome.accepted.keys() - kept:
        raise SystemExit("Submissions were lost.")


def gradings(readings: Readings) -> float:
    return readings.buckets()[-1][1]


if __name__ == "__main__":
    main()
