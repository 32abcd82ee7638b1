"""Two web servers, three workers, PostgreSQL and a broker, each killed at random moments or cut off
from the others while a class hands in. `make chaos` does it for longer."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server.storage.config import Config
from server.storage.database import is_away
from server.storage.models import Assignment
from tests.server import conftest, network, services
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
LEAST, MOST_AT_ONCE = 5, 20  # of one student; students
SEED = int(os.environ.get("GRADMARK_CHAOS_SEED", "2027"))


class Web(Server):
    """One that grades nothing itself."""

    GRADERS = "0"


Popen = Callable[..., "subprocess.Popen[bytes]"]


class Worker:
    def __init__(self, broker: services.Daemon, folder: Path, popen: Popen) -> None:
        command = [sys.executable, "-m", "tests.server.engines", "--worker", "1"]
        command += ["--data", str(folder), "--log", str(folder / "gradings")]
        command += ["--seconds", "0.1", "--lease", "2"]
        folder.mkdir()
        self._command = command
        self._log = folder / "stderr"
        self._popen = popen
        self._environment = {**os.environ, "GRADMARK_BROKER": broker.url}

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = self._popen(
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


class Proxy(httpx.BaseTransport):
    """In front of all servers, under one name: each request goes to one or the other."""

    URL = "http://gradmark.invalid"

    def __init__(self, urls: Sequence[str], chance: random.Random) -> None:
        self._servers = [httpx.URL(url) for url in urls]
        self._chance = chance
        self._lines = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        there = self._chance.choice(self._servers)
        url = request.url.copy_with(host=there.host, port=there.port)
        passed_on = httpx.Request(
            request.method,
            url,
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return self._lines.handle_request(passed_on)


class Fleet:
    """Two web servers, three workers, a database and a broker, and a class that hands in."""

    def __init__(
        self,
        house: House,
        postgresql: services.PostgreSQL,
        broker: services.Daemon,
        folder: Path,
        hosts: Sequence[network.Host] = (),
    ) -> None:
        """
        Args:
            hosts: of the second web server and of the workers; without, all is on one.
        """
        self.house, self.postgresql, self.broker = house, postgresql, broker
        self.chance = random.Random(SEED)
        os.environ["GRADMARK_BROKER"] = broker.url
        there = [(host.address, host.popen) for host in hosts]
        there = there or [(services.LOOPBACK, subprocess.Popen)] * 4
        (address, popen), *elsewhere = there
        self.webs = [
            Web(folder / "one", folder / "one.log"),
            Web(folder / "two", folder / "two.log", address, popen),
        ]
        self.workers = [
            Worker(broker, folder / f"worker{number}", popen)
            for number, (_, popen) in enumerate(elsewhere)
        ]

    def hand_in_while(self, events: Sequence[Callable[[], object]], submissions: int) -> None:
        """Each of these happens at least once, in a random order, until everybody is done."""
        with ExitStack() as running:
            for process in (*self.webs, *self.workers):
                process.start()
                running.callback(process.kill)
            # As many at a time as two servers on one machine answer: the rest comes from each.
            names = [f"s{number}" for number in range(min(MOST_AT_ONCE, submissions // LEAST))]
            each = submissions // len(names)
            for name in names:
                user = self.house.student(name)
                with self.house.database.write() as session:
                    session.merge(user).password = conftest._HASH
            sent = Sent()
            urls = [web.url for web in self.webs]
            students = [
                Student(
                    Proxy.URL, name, sent, 10.0, each, Proxy(urls, random.Random(f"{SEED} {name}"))
                )
                for name in names
            ]
            for student in students:
                running.callback(student.give_up)
                student.start()
            while True:
                for event in self.chance.sample(events, len(events)):
                    time.sleep(self.chance.uniform(0.2, 1.5))
                    event()
                if not any(student.is_alive() for student in students):
                    break
            settle(self.house)
        assert len(sent.accepted) == len(students) * each
        assert_kept(self.house, sent)
        assert_counted_once(self.house)

    def kill(self) -> list[Callable[[], object]]:
        """Every process, in its turn."""

        def again(process: Web | Worker) -> None:
            process.kill()
            process.start()

        return [partial(again, process) for process in (*self.webs, *self.workers)]

    def break_down(self) -> list[Callable[[], object]]:
        """The broker and the database are gone for a while."""

        def broken(daemon: services.Daemon | services.PostgreSQL) -> None:
            daemon.stop()
            time.sleep(self.chance.uniform(0.0, 2.0))
            daemon.start()

        return [partial(broken, self.broker), partial(broken, self.postgresql)]

    def forget(self) -> None:
        self.broker.purge("gradmark.cpu", "gradmark.sweep")

    def hang_up(self) -> None:
        """Every connection to the database ends, as when a line breaks."""
        with self.house.database.touch() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    def away(self, cut: Callable[[], AbstractContextManager[None]]) -> None:
        """For shorter than a lease, or for longer."""
        with cut():
            time.sleep(self.chance.uniform(0.5, 6.0))


@contextmanager
def at_home(tmp_path: Path, host: str = services.LOOPBACK) -> Iterator[tuple[Any, House]]:
    with services.postgresql(host) as server:
        os.environ["GRADMARK_DATABASE"] = server.create("gradmark")
        house = conftest.open_house(Config(tmp_path / "data"))
        house.database.migrate()
        house.furnish()
        with house.database.write() as session:
            for assignment in session.scalars(select(Assignment)):
                assignment.attempts = ATTEMPTS
        yield server, house
        house.database.close()


BROKERS = pytest.mark.parametrize("kind", [services.RabbitMQ, services.Redis])


@BROKERS
def test_whatever_dies_nothing_is_lost_and_nothing_counts_twice(
    kind: type[services.Daemon], tmp_path: Path
) -> None:
    with at_home(tmp_path) as (server, house), services.broker(kind) as broker:
        fleet = Fleet(house, server, broker, tmp_path)
        events = [*fleet.kill(), *fleet.break_down(), fleet.forget, fleet.hang_up]
        fleet.hand_in_while(events, SUBMISSIONS)


@BROKERS
def test_whatever_line_is_cut_nothing_is_lost_and_nothing_counts_twice(
    kind: type[services.Daemon], tmp_path: Path
) -> None:
    with (
        network.network() as net,
        at_home(tmp_path, network.HUB) as (server, house),
        services.broker(kind, network.HUB) as broker,
    ):
        hosts = list(islice(net, 4))
        fleet = Fleet(house, server, broker, tmp_path, hosts)
        events = [partial(fleet.away, host.cut) for host in hosts]
        events += [partial(fleet.away, host.deaf) for host in hosts]
        fleet.hand_in_while([*events, *fleet.kill()[-2:]], SUBMISSIONS)


def settle(house: House) -> None:
    """Until all is graded, for as long as it goes on: how fast is the machine's affair."""
    left, since = math.inf, time.monotonic()
    while left:
        time.sleep(0.2)
        if (now := unfinished(house)) < left:
            left, since = now, time.monotonic()
        assert time.monotonic() < since + 120, f"{left} wait, and nothing was graded meanwhile"


def unfinished(house: House) -> float:
    try:
        return sum(not row.state.final for row in house.rows())
    except DBAPIError as error:
        if not is_away(error):
            raise
        return math.inf


def test_a_line_that_is_cut_carries_nothing_until_it_is_mended() -> None:
    with network.network() as net:
        host, port = next(net), services.free_port()
        serve = [sys.executable, "-m", "http.server", "--bind", host.address, str(port)]
        process = host.popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers() -> bool:
            try:
                return httpx.get(f"http://{host.address}:{port}/", timeout=2).is_success
            except httpx.TransportError:
                return False

        try:
            wait_for(answers)
            for cut in (host.cut, host.deaf):
                with cut():
                    assert not answers()
                wait_for(answers)
        finally:
            process.kill()
            process.wait()
