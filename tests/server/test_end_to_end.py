"""The whole way, nothing replaced: a file goes in at the page, a report comes out on one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autograder.catalogue import Catalogue
from server.config import Config
from server.database import Database
from server.models import State, Submission
from tests.server.conftest import wait_for

pytestmark = pytest.mark.slow

BOUNDARY = "end-of-part"


@contextmanager
def serving(data: Path) -> Iterator[str]:
    command = (sys.executable, "-c", "from autograder.cli import main; main()", "serve")
    with subprocess.Popen(
        [*command, "--port", "0", "--data", str(data)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://[\d.]+:\d+", line)
            assert found, line
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def hand_in(url: str, assignment: str, filename: str, content: str) -> str:
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="assignment"\r\n\r\n{assignment}',
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"'
        f"\r\n\r\n{content}",
        f"--{BOUNDARY}--\r\n",
    )
    request = urllib.request.Request(
        f"{url}/submissions",
        "\r\n".join(parts).encode(),
        {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    with urllib.request.urlopen(request) as answer:
        return str(answer.url)


def state(page: str) -> str:
    with urllib.request.urlopen(f"{page}/status") as answer:
        return str(json.load(answer)["state"])


def text(page: str) -> str:
    with urllib.request.urlopen(page) as answer:
        return str(answer.read().decode())


def graders(data: Path) -> list[int]:
    """The grader processes that work on this data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"server.grader" in command and os.fsencode(data) in command:
                found.append(int(entry.name))
    return found


def test_a_file_goes_in_and_a_report_comes_out(tmp_path: Path, catalogue: Catalogue) -> None:
    topic = catalogue["losses"].topics[0]
    bug = topic.exercises[0].misconceptions[0]
    with serving(tmp_path) as url:
        right = hand_in(url, "losses", "losses.py", topic.solution())
        wrong = hand_in(url, "losses", "<b>wrong</b>.py", topic.solution(bug))
        wait_for(lambda: {state(right), state(wrong)} == {"graded"}, 60)
        most = f"{topic_points(catalogue):g}"
        assert f"<strong>{most}</strong> of {most}" in text(right)
        assert bug.hint.split("'")[0].split('"')[0][:30] in text(wrong)
        assert "<b>wrong" not in text(wrong)


def topic_points(catalogue: Catalogue) -> float:
    return catalogue["losses"].max_score


SLOW = """
import time
{solution}
_right = focal_loss
def focal_loss(*arguments, **named):
    time.sleep(0.1)
    return _right(*arguments, **named)
"""


def test_a_grader_killed_in_mid_grade_loses_nothing_and_grades_once(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    topic = catalogue["losses"].topics[0]
    with serving(tmp_path) as url:
        slow = SLOW.format(solution=topic.solution())
        page = hand_in(url, "losses", "losses.py", slow)
        wait_for(lambda: state(page) == "grading", 30)
        time.sleep(0.5)
        for process in graders(tmp_path):
            os.kill(process, signal.SIGKILL)
        wait_for(lambda: state(page) == "graded", 90)
        most = f"{topic_points(catalogue):g}"
        assert f"<strong>{most}</strong> of {most}" in text(page)
    with Database(Config(tmp_path).database).read() as session:
        (row,) = session.query(Submission).all()
    assert row.state is State.GRADED
    assert row.faults == 1  # the killed grader's; the grade itself was stored once
    assert row.lease == 2
