"""Two web servers, three workers, PostgreSQL and a broker, each killed at random moments while a
class hands in. `make chaos` does it for longer."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server.storage.config import Config
from server.storage.database import is_away
from server.storage.models import Assignment
from tests.server import conftest, services, test_kill
from tests.server.conftest import House, wait_for
from tests.server.test_kill import (
    ATTEMPTS,
    ROOT,
    Sent,
    Server,
    Student,
    assert_counted_once,
    assert_kept,
)

pytestmark = pytest.mark.slow

SUBMISSIONS = int(os.environ.get("GRADMARK_CHAOS", "40"))
EACH = 5
SEED = int(os.environ.get("GRADMARK_CHAOS_SEED", "2027"))


class Web(Server):
    """One that grades nothing itself."""

    GRADERS = "0"


class Worker:
    def __init__(self, house: House, broker: services.Daemon, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.server.engines", "--worker", "1"]
        command += ["--data", str(folder), "--log", str(folder / "gradings")]
        command += ["--seconds", "0.1", "--lease", "2"]
        folder.mkdir()
        self._command = command
        self._log = folder / "stderr"
        self._environment = {**os.environ, "GRADMARK_BROKER": broker.url}

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Anywhere(Student):
    """Whose proxy takes one server or the other."""

    def __init__(self, urls: list[str], name: str, sent: Sent) -> None:
        super().__init__(urls[0], name, sent)
        self._urls = urls

    def _hand_in(self, assignment: str, content: bytes) -> bool:
        self._client.base_url = self._random.choice(self._urls)
        return super()._hand_in(assignment, content)


@pytest.fixture
def postgresql() -> Iterator[services.PostgreSQL]:
    with services.postgresql() as server:
        yield server


@pytest.fixture
def house(postgresql: services.PostgreSQL, tmp_path: Path) -> Iterator[House]:
    url = postgresql.create("gradmark")
    os.environ["GRADMARK_DATABASE"] = url
    house = conftest.open_house(Config(tmp_path / "data"))
    house.database.migrate()
    house.furnish()
    with house.database.write() as session:
        for assignment in session.scalars(select(Assignment)):
            assignment.attempts = ATTEMPTS
    yield house
    house.database.close()


@pytest.mark.parametrize("kind", [services.RabbitMQ, services.Redis])
def test_whatever_dies_nothing_is_lost_and_nothing_counts_twice(
    kind: type[services.Daemon],
    house: House,
    postgresql: services.PostgreSQL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(test_kill, "EACH", EACH)
    chance = random.Random(SEED)
    with ExitStack() as running:
        broker = running.enter_context(services.broker(kind))
        os.environ["GRADMARK_BROKER"] = broker.url
        webs = [Web(tmp_path / name, tmp_path / f"{name}.log") for name in ("one", "two")]
        workers = [Worker(house, broker, tmp_path / f"worker{number}") for number in range(3)]
        for process in (*webs, *workers):
            process.start()
            running.callback(process.kill)
        for number in range(SUBMISSIONS // EACH):
            user = house.student(f"s{number}")
            with house.database.write() as session:
                session.merge(user).password = conftest._HASH
        sent = Sent()
        students = [
            Anywhere([web.url for web in webs], f"s{number}", sent)
            for number in range(SUBMISSIONS // EACH)
        ]
        for student in students:
            student.start()

        def again(process: Web | Worker) -> None:
            process.kill()
            process.start()

        def broken(daemon: services.Daemon | services.PostgreSQL) -> None:
            daemon.stop()
            time.sleep(chance.uniform(0.0, 2.0))
            daemon.start()

        def cut() -> None:
            """Every connection to the database ends, as when a line breaks."""
            with house.database.touch() as session:
                session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )

        events: list[Callable[[], object]] = [
            *(lambda one=one: again(one) for one in (*webs, *workers)),  # type: ignore[misc]
            lambda: broken(broker),
            lambda: broken(postgresql),
            lambda: broker.purge("gradmark.cpu", "gradmark.sweep"),
            cut,
        ]
        while True:
            for event in chance.sample(events, len(events)):
                time.sleep(chance.uniform(0.2, 1.5))
                event()
            if not any(student.is_alive() for student in students):
                break
        for student in students:
            student.join()
        wait_for(lambda: settled(house), 240)
    assert len(sent.accepted) == len(students) * EACH
    assert_kept(house, sent)
    assert_counted_once(house)


def settled(house: House) -> bool:
    time.sleep(0.2)
    try:
        return all(row.state.final for row in house.rows())
    except DBAPIError as error:
        if not is_away(error):
            raise
        return False
