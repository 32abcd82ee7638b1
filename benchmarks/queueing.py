"""What the queue's own work costs the database and the processor, per submission: `make bench`.

One process hands in, claims and stores reports, without pages, sandbox or other processes: what it
prints are statements, processor time of this process and of the database's, and time on the clock.
"""

from __future__ import annotations

import argparse
import hashlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, event, select

from autograder.topics.catalogue import Catalogue
from benchmarks.deployment import ASSIGNMENTS, Part, furnish, shared
from server.grading.queue import Queue
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import Assignment, User


@dataclass(frozen=True)
class Read:
    filename: str
    digest: str


@dataclass
class Meter:
    statements: int = 0
    rounds: int = 0
    busy: list[float] = field(default_factory=list)
    beside: float = 0.0  # milliseconds of the database's processes
    took: list[float] = field(default_factory=list)


class Counted:
    """Statements of this process."""

    def __init__(self, beside: Part | None) -> None:
        self.count = 0
        self._beside = beside
        event.listen(Engine, "before_cursor_execute", self._one)

    def _one(self, *_: Any) -> None:
        self.count += 1

    def all_of(self, meter: Meter, works: Iterable[Callable[[], Any]]) -> list[Any]:
        """The clock of other processes is too coarse for one alone."""
        before = self._beside.seconds() if self._beside else 0.0
        found = [self._of(meter, work) for work in works]
        meter.beside += 1e3 * ((self._beside.seconds() if self._beside else 0.0) - before)
        return found

    def _of(self, meter: Meter, work: Callable[[], Any]) -> Any:
        before, busy, began = self.count, time.process_time(), time.perf_counter()
        result = work()
        meter.took.append(1e3 * (time.perf_counter() - began))
        meter.busy.append(1e3 * (time.process_time() - busy))
        meter.statements += self.count - before
        meter.rounds += 1
        return result


def report() -> dict[str, Any]:
    exercise = {"name": "mse", "score": 10.0, "max_score": 10.0, "checks": [], "diagnosis": []}
    return {
        "score": 10.0,
        "max_score": 10.0,
        "exercises": [exercise],
        "environment": {"reference": "0" * 64},
        "filler": "x" * 20_000,
    }


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[tuple[Database, Part | None]]:
    if kind == "sqlite":
        config = Config(folder / "data", shared=None)
        config.prepare()
        yield Database(config.database), None
        return
    with shared() as (server, url):
        database = Database(Config(folder / "data", shared=url).database)
        yield database, Part("PostgreSQL", (server.pid,))


def measure(
    database: Database, beside: Part | None, students: int, rounds: int
) -> dict[str, Meter]:
    catalogue = Catalogue.load()
    database.migrate()
    furnish(database, catalogue, students)
    with database.read() as session:
        users = list(session.scalars(select(User.id)))
        assignments = list(session.scalars(select(Assignment.id)))
    queue, counted = Queue(database), Counted(beside)
    meters = {name: Meter() for name in ("accept", "claim", "heartbeat", "finish", "none due")}
    for turn in range(rounds):
        into = assignments[turn % ASSIGNMENTS]
        counted.all_of(meters["accept"], (partial(hand_in, queue, into, user) for user in users))
        claims = counted.all_of(meters["claim"], (queue.claim for _ in users))
        counted.all_of(meters["heartbeat"], (partial(queue.heartbeat, one) for one in claims))
        counted.all_of(meters["finish"], (partial(queue.finish, one, report()) for one in claims))
        counted.all_of(meters["none due"], (queue.claim for _ in range(20)))
    return meters


def hand_in(queue: Queue, assignment: int, user: int) -> None:
    content = secrets.token_bytes(15_000)
    read = Read("losses.py", hashlib.sha256(content).hexdigest())
    queue.accept(assignment, user, read, content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    console = Console()
    for kind in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as folder, database_of(kind, Path(folder)) as found:
            meters = measure(*found, options.students, options.rounds)
            found[0].close()
        table = Table(title=kind, title_justify="left", box=None)
        for heading in ("", "statements", "CPU ms", "of the database", "ms"):
            table.add_column(heading, justify="right" if heading else "left")
        for name, meter in meters.items():
            rounds = meter.rounds or 1
            table.add_row(
                name,
                f"{meter.statements / rounds:.1f}",
                f"{sum(meter.busy) / rounds:.2f}",
                f"{meter.beside / rounds:.2f}",
                f"{sum(meter.took) / rounds:.2f}",
            )
        console.print(table)


if __name__ == "__main__":
    main()
