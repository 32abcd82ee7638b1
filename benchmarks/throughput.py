"""How throughput grows with workers: a backlog on PostgreSQL, graded by one to four of them.

python -m benchmarks.throughput                 real graders, which share this machine's cores
python -m benchmarks.throughput --elsewhere 0.3 graders that wait so long for each, as if they
                                                computed on hosts of their own: what is left is
                                                what the database and its one writer take
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from autograder.topics.catalogue import Catalogue
from benchmarks.deployment import ROOT, TOPIC, Part, furnish, shared
from benchmarks.uploads import waiting
from server.engine import digests
from server.grading.exercises import publish
from server.grading.queue import Queue
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import Assignment, State, Submission, User


class Read:
    def __init__(self, content: bytes) -> None:
        self.filename = "losses.py"
        self.digest = hashlib.sha256(content).hexdigest()


def hand_in(database: Database, source: bytes, count: int, since: int) -> None:
    queue = Queue(database)
    with database.read() as session:
        users = list(session.scalars(select(User.id)))
        assignments = list(session.scalars(select(Assignment.id)))
    for number in range(since, since + count):
        content = source + b"# %d\n" % number
        assignment = assignments[number // len(users) % len(assignments)]
        queue.accept(assignment, users[number % len(users)], Read(content), content, unlimited=True)


def start(config: Config, folder: Path, elsewhere: float | None) -> subprocess.Popen[bytes]:
    if elsewhere is None:
        program = ["-c", "from autograder.cli import main; main()", "grader"]
    else:
        log = folder / "log"
        program = ["-m", "tests.server.engines", "--log", str(log), "--seconds", str(elsewhere)]
    return subprocess.Popen(
        [sys.executable, *program, "--data", str(folder)],
        cwd=ROOT,
        env={**os.environ, "GRADMARK_DATABASE": str(config.shared)},
        stderr=subprocess.DEVNULL,
    )


def rate(database: Database, since: datetime) -> tuple[float, int]:
    """Gradings a second, from the first that was stored after that moment to the last."""
    with database.read() as session:
        graded = Submission.state == State.GRADED, Submission.graded_at > since
        first, last, count = session.execute(
            select(
                func.min(Submission.graded_at), func.max(Submission.graded_at), func.count()
            ).where(*graded)
        ).one()
    assert isinstance(first, datetime)  # noqa: S101
    return (count - 1) / (last - first).total_seconds(), count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backlog", type=int, default=60)
    parser.add_argument("--elsewhere", type=float, help="seconds for each, that no core is used")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3, 4])
    options = parser.parse_args()
    console = Console(width=110)
    catalogue = Catalogue.load()
    source = catalogue[TOPIC].topics[0].solution().encode()
    table = Table(title=f"{options.backlog} that wait", title_justify="left", box=None)
    for heading in ("workers", "gradings a second", "each takes a core for, ms"):
        table.add_column(heading, justify="right")
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        _, url = opened.enter_context(shared())
        config = Config(folder / "data", shared=url)
        database = Database(config.database)
        opened.callback(database.close)
        database.migrate()
        furnish(database, catalogue, 200)
        publish(database, digests(None))
        handed = 0
        for count in options.workers:
            with ExitStack() as running:
                folders = [folder / f"{count}-{number}" for number in range(count)]
                for one in folders:
                    one.mkdir()
                    (one / "log").touch()
                workers = [start(config, one, options.elsewhere) for one in folders]
                for worker in workers:
                    running.callback(worker.wait, 60)
                    running.callback(worker.terminate)
                hand_in(database, source, 3 * count, handed)  # each is warm
                handed += 3 * count
                while waiting(database):
                    time.sleep(0.2)
                part = Part("workers", tuple(worker.pid for worker in workers))
                hand_in(database, source, options.backlog, handed)
                handed += options.backlog
                since, before = database.clock(), part.seconds()  # nothing is handed in from now on
                while waiting(database):
                    time.sleep(0.2)
                busy = part.seconds() - before
            found, graded = rate(database, since)
            table.add_row(str(count), f"{found:.1f}", f"{1e3 * busy / graded:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
