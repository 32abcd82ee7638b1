"""The whole way, nothing replaced: a file goes in at the page, a report comes out on one."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode, urljoin

import pytest

from autograder.handin.submission import parse
from autograder.render.html import report_fragment
from autograder.report import student_view
from autograder.topics.catalogue import Catalogue
from server import engine
from server.engine import Rules
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import SourcePolicy, State, Submission
from tests.server.conftest import PASSWORD, make_house, wait_for
from tests.server.serving import serving

pytestmark = pytest.mark.slow

BOUNDARY = "end-of-part"


class Browser:
    """A student's, logged in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        form = {"email": "student@example.org", "password": PASSWORD, "csrf_token": self.csrf("/")}
        self._opener.open(f"{url}/login", urlencode(form).encode()).close()

    def text(self, page: str) -> str:
        with self._opener.open(urljoin(self.url, page)) as answer:
            return str(answer.read().decode())

    def csrf(self, page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.text(page))
        assert found
        return found[1]

    def hand_in(self, assignment: str, filename: str, content: str) -> str:
        page = f"/courses/dl/assignments/{assignment}/"
        parts = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrf_token"'
            f"\r\n\r\n{self.csrf(page)}",
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"'
            f"\r\n\r\n{content}",
            f"--{BOUNDARY}--\r\n",
        )
        request = urllib.request.Request(
            urljoin(self.url, page),
            "\r\n".join(parts).encode(),
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )
        with self._opener.open(request) as answer:
            return str(answer.url)

    def state(self, page: str) -> str:
        return str(json.loads(self.text(f"{page}status"))["state"])


def graders(data: Path) -> list[int]:
    """The grader processes that work on this data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"server.grading.grader" in command and os.fsencode(data) in command:
                found.append(int(entry.name))
    return found


def test_a_file_goes_in_and_a_report_comes_out(tmp_path: Path, catalogue: Catalogue) -> None:
    topic = catalogue["losses"].topics[0]
    bug = topic.exercises[0].misconceptions[0]
    make_house(tmp_path).database.close()
    with serving(tmp_path) as url:
        browser = Browser(url)
        text, state = browser.text, browser.state
        right = browser.hand_in("losses", "losses.py", topic.solution())
        wait_for(lambda: state(right) == "graded", 60)
        wrong = browser.hand_in("losses", "<b>wrong</b>.py", topic.solution(bug))
        wait_for(lambda: state(wrong) == "graded", 60)
        assert "<strong>10</strong> of 10" in text(right)
        assert bug.hint.split("'")[0].split('"')[0][:30] in text(wrong)
        assert "<b>wrong" not in text(wrong)


def topic_points(catalogue: Catalogue) -> float:
    return catalogue["losses"].max_score


FORBIDDEN = """
import torch.nn.functional as F
_right = mse_loss
def mse_loss(input, target, reduction="mean"):
    loss = _right(input, target, reduction)
    F.mse_loss(input, target)
    return loss
"""


def test_the_source_policy_decides_what_a_forbidden_call_costs(catalogue: Catalogue) -> None:
    source = catalogue["losses"].topics[0].solution() + FORBIDDEN
    submission = parse("losses.py", source.encode())
    with engine.open_grader(None) as grade:
        graded = {
            policy: grade(Rules(b"s" * 32, policy), "losses", submission, lambda *_: None)
            for policy in SourcePolicy
        }
    lost = {policy: topic_points(catalogue) - report["score"] for policy, report in graded.items()}
    assert lost[SourcePolicy.NOTHING] == lost[SourcePolicy.WARNING] == 0
    assert lost[SourcePolicy.ZERO] > 0
    told = {
        policy: "mse_loss(input, target)" in report_fragment(student_view(report))
        for policy, report in graded.items()
    }
    assert told == {policy: policy is not SourcePolicy.NOTHING for policy in SourcePolicy}


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
    make_house(tmp_path).database.close()
    with serving(tmp_path) as url:
        browser = Browser(url)
        text, state = browser.text, browser.state
        slow = SLOW.format(solution=topic.solution())
        page = browser.hand_in("losses", "losses.py", slow)
        wait_for(lambda: state(page) == "grading", 30)
        time.sleep(0.5)
        for process in graders(tmp_path):
            given_way = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
            assert os.getpriority(os.PRIO_PROCESS, process) == given_way
            os.kill(process, signal.SIGKILL)
        wait_for(lambda: state(page) == "graded", 90)
        assert "<strong>10</strong> of 10" in text(page)
    with Database(Config(tmp_path).database).read() as session:
        (row,) = session.query(Submission).all()
    assert row.state is State.GRADED
    assert row.faults == 1  # the killed grader's; the grade itself was stored once
    assert row.lease == 2
