"""`serve` as a process of its own: one line, a page, a grade, a clean end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.models import State
from tests.server.conftest import House, wait_for

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(house: House, log: Path | None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.server.fake_serve"),
            *("--port", "0", "--graders", "2", "--data", str(house.config.data)),
        ],
        cwd=ROOT,
        env={**os.environ, **({"GRADING_LOG": str(log)} if log else {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_it_serves_grades_and_leaves_no_process_behind(
    house: House, tmp_path: Path, end: signal.Signals
) -> None:
    log = tmp_path / "log"
    house.accept()
    with serving(house, log) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert url, line
        with urllib.request.urlopen(url[0]) as answer:
            assert "Log in" in answer.read().decode()
        wait_for(lambda: house.rows()[0].state is State.GRADED)
        grader = int(log.read_text().split()[1])
        process.send_signal(end)
        status = process.wait(30)
        assert status == (0 if end is not signal.SIGKILL else -signal.SIGKILL)
        wait_for(lambda: not is_alive(grader))


def test_without_a_sandbox_it_says_so_and_ends_with_3(house: House) -> None:
    with serving(house, None) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 3
    assert set(errors.splitlines()) == {"This machine has no sandbox: install bubblewrap."}
