"""Workers that Celery runs: woken by a broker that may lose everything, graded by the database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.grading import bells
from server.grading.meters import Ending, Readings
from server.grading.queue import Queue
from server.storage.config import Config, ConfigError
from server.storage.models import State
from tests.server import conftest, services
from tests.server.conftest import House, wait_for
from tests.server.test_processes import ROOT, lines, log

__all__ = ["log"]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_postgresql")]
LEASE = 2.0


@pytest.fixture(scope="module", params=[services.RabbitMQ, services.Redis])
def broker(request: pytest.FixtureRequest) -> Iterator[services.Daemon]:
    with services.broker(request.param) as running:
        yield running


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(house: House, log: Path, broker: services.Daemon) -> Iterator[Start]:
    started = ExitStack()

    def start(*more: str, count: int = 2, seconds: float = 0.2) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.server.engines", "--worker", str(count)]
        command += ["--data", str(house.config.data), "--log", str(log)]
        command += ["--seconds", str(seconds), "--lease", str(LEASE), *more]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "GRADMARK_BROKER": broker.url},
            start_new_session=True,
        )

        def end() -> None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            process.wait()

        started.callback(end)
        return process

    yield start
    started.close()


def states(house: House) -> set[State]:
    return {row.state for row in house.rows()}


def hand_in(house: House, count: int, name: str = "a.py") -> None:
    """To a server whose broker does not answer: only sweeps ring."""
    house.clock.now = house.database.clock()
    for number in range(count):
        house.accept(name, user=("student", "classmate", "assistant", "instructor")[number % 4])


def test_what_no_message_tells_of_is_graded_once_and_poison_hurts_nobody(
    house: House, log: Path, start: Start, broker: services.Daemon
) -> None:
    hand_in(house, 1, "killer.py")
    hand_in(house, 8)
    start(count=2)
    wait_for(lambda: states(house) == {State.GRADED, State.FAILED}, 120)
    (killer,) = (row for row in house.rows() if row.state is State.FAILED)
    assert (killer.filename, killer.faults) == ("killer.py", 4)
    assert len(lines(log, "end")) == 8
    with house.database.read() as session:
        assert Readings(session).ended(Ending.GRADED) == 8


def test_a_bell_wakes_at_once_and_a_stopped_worker_gives_back(
    house: House, log: Path, start: Start, broker: services.Daemon
) -> None:
    worker = start("--no-beat", count=1, seconds=60)
    ringer = bells.Ringer(broker.url)
    house.clock.now = house.database.clock()
    queue = Queue(house.database, ring=ringer)
    house.accept()
    ringer("cpu")
    wait_for(lambda: bool(lines(log, "begin")), 60)
    assert queue.claim() is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    (row,) = house.rows()
    assert (row.state, row.faults) == (State.WAITING, 0)


def test_a_broker_that_dies_and_forgets_delays_by_a_sweep(
    house: House, log: Path, start: Start, broker: services.Daemon
) -> None:
    start(count=2, seconds=0.2)
    hand_in(house, 4)
    wait_for(lambda: bool(lines(log, "begin")), 60)
    broker.stop()
    hand_in(house, 4)
    broker.start()
    broker.purge("gradmark.cpu", "gradmark.sweep")
    wait_for(lambda: states(house) == {State.GRADED}, 90)
    assert len(lines(log, "end")) == 8


def test_no_upload_waits_for_a_broker_or_fails_with_it(house: House) -> None:
    silent = bells.Ringer("amqp://guest@127.0.0.1:1//")
    queue = Queue(house.database, ring=silent)
    content = conftest.new_source()
    accepted = queue.accept(
        house.assignment().id,
        house.user().id,
        conftest.parse("a.py", content),
        content,
        unlimited=True,
    )
    assert house.row(accepted.public_id).state is State.WAITING


def test_a_broker_of_another_kind_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigError, match="must be an address of RabbitMQ"):
        bells.celery_app("nonsense://host")
    with pytest.raises(ConfigError, match="Set GRADMARK_BROKER"):
        bells.broker_of(Config(Path("nowhere"), broker=None))
