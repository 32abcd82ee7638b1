"""What the queue's own work costs the database and the processor, per submission: `make bench`.

One process hands in, claims and stores reports, without pages, sandbox or other processes: what it
prints are statements, processor time of this process and of the database's, and time on the clock.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, event, select

from autograder.topics.catalogue import Catalogue
from benchmarks.deployment import ASSIGNMENTS, furnish, shared
from server.grading.queue import Claim, Queue
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
    took: list[float] = field(default_factory=list)


class Counted:
    """Statements of this process."""

    def __init__(self) -> None:
        self.count = 0
        event.listen(Engine, "before_cursor_execute", self._one)

    def _one(self, *_: Any) -> None:
        self.count += 1

    def of(self, meter: Meter, work: Callable[[], Any]) -> Any:
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
def database_of(kind: str, folder: Path) -> Iterator[Database]:
    if kind == "sqlite":
        config = Config(folder / "data", shared=None)
        config.prepare()
        yield Database(config.database)
        return
    with shared() as (_, url):
        yield Database(Config(folder / "data", shared=url).database)


def measure(database: Database, students: int, rounds: int) -> dict[str, Meter]:
    catalogue = Catalogue.load()
    database.migrate()
    furnish(database, catalogue, students)
    with database.read() as session:
        users = list(session.scalars(select(User.id)))
        assignments = list(session.scalars(select(Assignment.id)))
    queue, counted = Queue(database), Counted()
    meters = {name: Meter() for name in ("accept", "claim", "heartbeat", "finish", "none due")}
    number = 0
    for _ in range(rounds):
        for user in users:
            number += 1
            content = b"x" * 15_000 + b"%d" % number
            read = Read("losses.py", hashlib.sha256(content).hexdigest())
            assignment = assignments[number % ASSIGNMENTS]
            counted.of(
                meters["accept"],
                lambda a=assignment, u=user, r=read, c=content: queue.accept(a, u, r, c),
            )
        while True:
            claim: Claim | None = counted.of(Meter(), queue.claim)
            if claim is None:
                break
            queue.give_back(claim)
            again = counted.of(meters["claim"], queue.claim)
            assert again is not None  # noqa: S101
            counted.of(meters["heartbeat"], lambda c=again: queue.heartbeat(c))
            counted.of(meters["finish"], lambda c=again: queue.finish(c, report()))
        for _ in range(20):
            counted.of(meters["none due"], queue.claim)
    return meters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    console = Console()
    for kind in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory() as folder, database_of(kind, Path(folder)) as database:
            meters = measure(database, options.students, options.rounds)
            database.close()
        table = Table(title=kind, title_justify="left", box=None)
        for heading in ("", "statements", "CPU ms", "ms"):
            table.add_column(heading, justify="right" if heading else "left")
        for name, meter in meters.items():
            rounds = meter.rounds or 1
            table.add_row(
                name,
                f"{meter.statements / rounds:.1f}",
                f"{sum(meter.busy) / rounds:.2f}",
                f"{sum(meter.took) / rounds:.2f}",
            )
        console.print(table)


if __name__ == "__main__":
    main()
