"""`kill -9` of the server and its graders at random moments, while a class hands in."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from server.grades import grades
from server.grades.attempts import allowance
from server.grading.meters import Ending, Readings
from server.storage import audit
from server.storage.models import Assignment, AuditEntry, ExerciseScore, Grade, State
from tests.server import conftest
from tests.server.conftest import PASSWORD, House, wait_for

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STUDENTS, EACH = 20, 10
ATTEMPTS = 50  # of the assignment
SEED = 2027
VICTIMS = ["server"] * 3 + ["grader"] * 7


class Server:
    """`gradmark serve` with two graders, always at the same address."""

    GRADERS = "2"

    def __init__(
        self,
        data: Path,
        log: Path,
        address: str = "127.0.0.1",
        popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://{address}:{self._port}"
        self._address = address
        self._popen = popen
        self._data = data
        self._log = log

    def start(self) -> None:
        grading = {
            "GRADING_LOG": str(self._log.with_name("gradings")),
            "GRADING_SECONDS": "0.1",
            "GRADING_LEASE": "1",
        }
        with self._log.open("ab") as log:
            self._process = self._popen(
                [
                    *(sys.executable, "-m", "tests.server.fake_serve", "--graders", self.GRADERS),
                    *("--host", self._address, "--port", str(self._port)),
                    *("--data", str(self._data)),
                ],
                cwd=ROOT,
                env={**os.environ, **grading},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        wait_for(self._answers, 180)

    def graders(self) -> list[int]:
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [int(child) for children in threads for child in children.read_text().split()]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(30) == 0

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return httpx.get(f"{self.url}/healthz", timeout=30).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Sent:
    """What became of the files, by their digest, as those who sent them were told."""

    accepted: dict[str, str] = field(default_factory=dict)  # with the public id
    refused: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)  # the connection broke


class Student(threading.Thread):
    """Hands in again and again, like somebody who does not believe in computers."""

    def __init__(
        self,
        url: str,
        name: str,
        sent: Sent,
        patience: float = 30.0,
        each: int = EACH,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._each = each
        self._gone = threading.Event()
        self._client = httpx.Client(base_url=url, timeout=patience, transport=transport)
        self._sent = sent
        self._random = random.Random(f"{SEED} {name}")
        self._token = self._csrf("/login")
        form = {"email": f"{name}@example.org", "password": PASSWORD, "csrf_token": self._token}
        assert self._client.post("/login", data=form).status_code == 303
        self._token = self._csrf("/courses/dl/assignments/norm/")

    def run(self) -> None:
        tries = 0
        for number in range(self._each):
            time.sleep(self._random.uniform(0.2, 3.0))
            assignment = ("norm", "losses")[number % 2]
            while not self._hand_in(assignment, f"# {self.name}, try {tries}\n".encode()):
                tries += 1
                if self._gone.wait(0.4):
                    return
            tries += 1

    def give_up(self) -> None:
        """Where there is nobody left to hand in to."""
        self._gone.set()

    def _csrf(self, page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._client.get(page).text)
        assert found
        return found[1]

    def _hand_in(self, assignment: str, content: bytes) -> bool:
        digest = hashlib.sha256(content).hexdigest()
        try:
            answer = self._client.post(
                f"/courses/dl/assignments/{assignment}/",
                data={"csrf_token": self._token},
                files={"file": ("solution.py", content)},
            )
        except httpx.ConnectError:
            return False
        except httpx.TransportError:
            self._sent.unsure.add(digest)
            return False
        if answer.status_code != 303:
            self._sent.refused.add(digest)
            return False
        self._sent.accepted[digest] = answer.headers["Location"].rstrip("/").rsplit("/", 1)[1]
        return True


@pytest.fixture
def server(house: House, tmp_path: Path) -> Iterator[Server]:
    with house.database.write() as session:
        for assignment in session.scalars(select(Assignment)):
            assignment.attempts = ATTEMPTS
    server = Server(house.config.data, tmp_path / "stderr")
    server.start()
    yield server
    server.kill()


def test_nothing_is_lost_and_nothing_counts_twice(house: House, server: Server) -> None:
    for number in range(STUDENTS):
        user = house.student(f"s{number}")
        with house.database.write() as session:
            session.merge(user).password = conftest._HASH
    sent = Sent()
    students = [Student(server.url, f"s{number}", sent) for number in range(STUDENTS)]
    for student in students:
        student.start()
    kill_at_random(server)
    assert any(student.is_alive() for student in students)  # they were at it all the time
    for student in students:
        student.join()
    wait_for(lambda: all(row.state.final for row in house.rows()), 60)
    server.stop()

    assert len(sent.accepted) == STUDENTS * EACH
    assert_kept(house, sent)
    assert_counted_once(house)


def kill_at_random(server: Server) -> None:
    """Not the graders alone: the supervisor waits ever longer before it replaces those that die
    young."""
    chance = random.Random(SEED)
    for victim in chance.sample(VICTIMS, len(VICTIMS)):
        time.sleep(chance.uniform(0.2, 1.2))
        if victim == "server":
            server.kill()
            server.start()
        else:
            wait_for(lambda: bool(server.graders()), 60)
            os.kill(chance.choice(server.graders()), signal.SIGKILL)


def assert_kept(house: House, sent: Sent) -> None:
    """Whoever was told "accepted" finds their submission; what was refused is not there."""
    rows = house.rows()
    there = {row.digest: row.public_id for row in rows}
    assert len(there) == len(rows)  # nothing is there twice
    assert sent.accepted.items() <= there.items()
    assert there.keys() <= sent.accepted.keys() | sent.unsure
    assert not there.keys() & sent.refused
    for row in rows:
        assert hashlib.sha256(house.files.read(row.public_id)).hexdigest() == row.digest
    numbers = defaultdict(list)
    for row in rows:
        numbers[row.user_id, row.assignment_id].append(row.number)
    for used in numbers.values():
        assert used == list(range(1, len(used) + 1))


def assert_counted_once(house: House) -> None:
    """Every claim ended once, every grade was stored once, and attempts are what was graded."""
    rows = house.rows()
    graded = [row for row in rows if row.state is State.GRADED]
    assert {row.state for row in rows} <= {State.GRADED, State.SUPERSEDED, State.FAILED}
    assert all(row.faults == 4 for row in rows if row.state is State.FAILED)
    with house.database.write() as session:
        readings = Readings(session)
        assert readings.accepted == len(rows)
        assert readings.ended(Ending.GRADED) == len(graded)
        assert sum(readings.ended(how) for how in Ending) == sum(row.lease for row in rows)
        scores = session.execute(
            select(ExerciseScore.submission_id, func.count()).group_by(ExerciseScore.submission_id)
        ).all()
        assert {tuple(score) for score in scores} == {(row.id, 2) for row in graded}
        changes = session.scalars(
            select(AuditEntry).where(AuditEntry.action == audit.Action.GRADE_CHANGED)
        ).all()
        changed = Counter((entry.subject, entry.detail["assignment"]) for entry in changes)
        assert set(changed.values()) == {1}  # every report has the same score
        assert len(changed) == len({(row.user_id, row.assignment_id) for row in graded})
        for assignment in session.scalars(select(Assignment)):
            again = grades.refresh(
                session, assignment, None, at=house.clock(), actor=None, cause="test"
            )
            assert again == 0
        for grade in session.scalars(select(Grade)):
            theirs = [
                row
                for row in rows
                if (row.user_id, row.assignment_id) == (grade.user_id, grade.assignment_id)
            ]
            assert grade.submissions == len(theirs)
            counted = [row.received_at for row in theirs if row.state is State.GRADED]
            left = allowance(grade.assignment, "UTC", None, counted, house.clock()).left
            assert left == ATTEMPTS - len(counted)
