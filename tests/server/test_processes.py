"""Real grader processes on a real database file, killed at bad moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.clock import utc_now
from server.grading import presence
from server.grading.supervisor import GraderEnded, Supervisor
from server.storage.config import DatabaseAway
from server.storage.models import GraderProcess, State
from tests.server.conftest import House, wait_for

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., "subprocess.Popen[bytes]"]


def command(house: House, log: Path, seconds: float = 0.3, lease: float = 1.0) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.server.engines", "--data", str(house.config.data)),
        *("--log", str(log), "--seconds", str(seconds), "--lease", str(lease)),
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def start(house: House, log: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(**options: float) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command(house, log, **options), cwd=ROOT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def lines(log: Path, word: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith(word)]


def alive(house: House) -> list[GraderProcess]:
    with house.database.read() as session:
        return list(presence.alive(session, utc_now()))


def states(house: House) -> set[State]:
    return {row.state for row in house.rows()}


def test_killed_in_mid_grade_it_is_graded_afterwards_once(
    house: House, log: Path, start: Start
) -> None:
    house.accept()
    victim = start(seconds=30)
    wait_for(lambda: bool(lines(log, "begin")))
    victim.kill()
    victim.wait()
    assert states(house) == {State.GRADING}

    start(seconds=0.1)
    wait_for(lambda: states(house) == {State.GRADED})
    assert len(lines(log, "begin")) == 2
    assert len(lines(log, "end")) == 1
    (row,) = house.rows()
    assert (row.lease, row.faults) == (2, 1)


def test_graders_share_the_work_and_never_one_submission(
    house: House, log: Path, start: Start
) -> None:
    names = [f"s{number}.py" for number in range(12)]
    for name in names:
        house.student(name)
        house.accept(name, user=name)
    for _ in range(3):
        start(seconds=0.1, lease=30)  # on a busy machine, a second is soon over
    wait_for(lambda: states(house) == {State.GRADED})
    assert sorted(line.split()[2] for line in lines(log, "begin")) == sorted(names)
    assert len({line.split()[1] for line in lines(log, "begin")}) > 1


def test_told_to_stop_it_gives_back_what_it_grades(house: House, log: Path, start: Start) -> None:
    house.accept()
    process = start(seconds=30, lease=60)
    wait_for(lambda: bool(lines(log, "begin")))
    assert [grader.name.rpartition(":")[2] for grader in alive(house)] == [str(process.pid)]
    process.terminate()
    assert process.wait(60) == 0
    assert alive(house) == []
    (row,) = house.rows()
    assert (row.state, row.faults) == (State.WAITING, 0)


def test_a_grade_longer_than_the_lease_is_kept_alive(house: House, log: Path, start: Start) -> None:
    house.accept()
    start(seconds=2.0, lease=0.6)
    start(seconds=2.0, lease=0.6)
    wait_for(lambda: states(house) == {State.GRADED})
    assert len(lines(log, "begin")) == 1


def test_the_supervisor_replaces_a_grader_that_dies(
    house: House, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    house.accept()
    supervisor = Supervisor([[*command(house, log, seconds=1.0), "--supervised"]], pytest.fail)
    supervisor.start()
    try:
        wait_for(lambda: bool(lines(log, "begin")))
        os.kill(int(lines(log, "begin")[0].split()[1]), signal.SIGKILL)
        wait_for(lambda: states(house) == {State.GRADED})
    finally:
        supervisor.stop()
    assert len(lines(log, "end")) == 1


@pytest.mark.parametrize("end", ["kill -9 $$", f"exit {DatabaseAway.exit_status}"])
def test_the_supervisor_replaces_a_grader_that_ends_before_it_is_ready_for_no_fault_of_its_own(
    house: House, log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    monkeypatch.chdir(ROOT)
    house.accept()
    first = tmp_path / "first"
    dies_first = f'[ -e {first} ] || {{ touch {first}; {end}; }}; exec "$@"'
    grader = [*command(house, log), "--supervised"]
    supervisor = Supervisor([["sh", "-c", dies_first, "sh", *grader]], pytest.fail)
    supervisor.start()
    try:
        wait_for(lambda: states(house) == {State.GRADED})
    finally:
        supervisor.stop()


def test_a_grader_whose_supervisor_is_gone_before_it_is_up_stops(house: House, log: Path) -> None:
    orphan = subprocess.Popen(
        [*command(house, log), "--supervised"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert orphan.stdin is not None
    orphan.stdin.close()  # as the system does when the supervisor is killed
    try:
        assert orphan.wait(60) == 0
    finally:
        orphan.kill()


def test_a_machine_without_a_sandbox_is_told_at_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    unconfined = command(house, Path())[:5]
    told: list[GraderEnded] = []
    supervisor = Supervisor([[*unconfined, "--supervised"]] * 2, told.append)
    supervisor.start()
    try:
        wait_for(lambda: bool(told))
    finally:
        supervisor.stop()
    assert [ended.status for ended in told] == [3]
    assert "install bubblewrap" in capfd.readouterr().err
