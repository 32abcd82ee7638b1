"""`serve` as a process of its own: one line, a page, a grade, a clean end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from server.storage.models import State
from tests.server.conftest import PASSWORD, House, wait_for

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(house: House, log: Path | None, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.server.fake_serve"),
            *("--port", "0", "--graders", "2", "--data", str(house.config.data)),
            *options,
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


def test_open_connections_of_a_class_keep_nobody_out(house: House, tmp_path: Path) -> None:
    with serving(house, tmp_path / "log") as process, contextlib.ExitStack() as open_ones:
        assert process.stdout is not None
        url = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert url
        for _ in range(600):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", int(url[1]))))
        with urllib.request.urlopen(f"{url[0]}/healthz", timeout=60) as answer:
            assert answer.status == 200


def test_without_a_sandbox_it_says_so_and_ends_with_3(house: House) -> None:
    with serving(house, None) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 3
    assert set(errors.splitlines()) == {"This machine has no sandbox: install bubblewrap."}


@pytest.mark.parametrize("believed", [True, False])
def test_what_a_proxy_says_is_believed_only_behind_one(
    house: House, tmp_path: Path, believed: bool
) -> None:
    """Forms sent over HTTPS are held against the host that the proxy was asked for."""
    options = ["--behind-proxy"] if believed else []
    with serving(house, tmp_path / "log", *options) as process:
        assert process.stdout is not None
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert url
        forwarded = {
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "gradmark.example",
        }
        request = urllib.request.Request(f"{url[0]}/login", headers=forwarded)
        with urllib.request.urlopen(request) as answer:
            cookie = answer.headers["Set-Cookie"]
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.read().decode())
        assert token
        assert ("Secure" in cookie) is believed
        form = {"email": "student@example.org", "password": PASSWORD, "csrf_token": token[1]}
        request = urllib.request.Request(
            f"{url[0]}/login",
            urlencode(form).encode(),
            forwarded
            | {"Cookie": cookie.split(";")[0], "Referer": "https://gradmark.example/login"},
        )
        with pytest.raises(urllib.error.HTTPError) as redirect:
            urllib.request.build_opener(_Stay()).open(request)
        assert redirect.value.code == 303
        with pytest.raises(urllib.error.HTTPError) as refused:  # it comes from elsewhere
            urllib.request.urlopen(urllib.request.Request(f"{url[0]}/metrics", headers=forwarded))
        assert refused.value.code == 403
        with urllib.request.urlopen(f"{url[0]}/metrics") as answer:
            assert answer.status == 200


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None
