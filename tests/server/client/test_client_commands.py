"""`gradmark login`, `submit`, `status`, `logout`: what they print and exit with."""

from __future__ import annotations

import re
import socket
import stat
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import Result

from autograder.topics.catalogue import Catalogue
from server.grading import presence
from server.people import accounts
from server.storage.models import Assignment, Counts, Course, Role, Scope, State, User
from tests.server.client.conftest import Gradmark, Served


@pytest.fixture
def solution(tmp_path: Path, catalogue: Catalogue) -> Path:
    path = tmp_path / "losses.py"
    path.write_text(catalogue["losses"].topics[0].solution())
    return path


def said(result: Result, code: int, *words: str) -> None:
    """It ended with this code and said these words; where it failed, in one sentence."""
    assert result.exit_code == code, result.output
    for word in words:
        assert word in result.output
    assert "Traceback" not in result.output
    if code:
        assert len(result.output.strip().splitlines()) == 1


def identity(result: Result) -> str:
    found = re.search(r": ([0-9a-f]{8})$", result.output, re.M)
    assert found, result.output
    return found[1]


def test_a_login_is_checked_and_kept_for_its_owner_only(
    served: Served, gradmark: Gradmark, tmp_path: Path
) -> None:
    kept = tmp_path / "config" / "gradmark" / "login.json"
    said(gradmark("login", served.url, typed="gradmark_api_guessed"), 3, "not valid", "Log in")
    said(gradmark("login", served.url, typed=""), 2, "no token")
    assert not kept.exists()
    token = served.house.token("student", Scope.READ)
    result = gradmark("login", f"{served.url}/", typed=f"{token}\n")
    said(result, 0, "as Student, student@example.org", "may not hand in")
    assert token not in result.output
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    said(gradmark("logout"), 0, f"{served.url}/account")
    assert not kept.exists()
    said(gradmark("logout"), 0, "not logged in")


@pytest.mark.parametrize(
    "url", ["ftp://example.org", "http://", "https://a\nb", "https://x@y/", ""]
)
def test_what_is_no_address_is_refused(gradmark: Gradmark, url: str) -> None:
    said(gradmark("login", url, typed="x"), 2, "is no address of a server")


def test_a_server_that_is_not_there_is_said_in_one_sentence(gradmark: Gradmark) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = gradmark("login", f"http://127.0.0.1:{port}", typed="token")
    said(result, 3, f"The server http://127.0.0.1:{port} cannot be reached")


class Stranger(BaseHTTPRequestHandler):
    """What is no Gradmark: a page, a redirect, an error, by the path."""

    def do_GET(self) -> None:
        code = int(self.path.strip("/").split("/")[0])
        self.send_response(code)
        self.send_header("Location", "https://example.org/")
        self.end_headers()
        self.wfile.write(b"<p>Hello</p>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (200, "is no Gradmark server"),
        (404, "answers 404"),
        (502, "answers 502"),
        (302, "sends on to https://example.org/"),
    ],
)
def test_what_is_no_gradmark_is_recognised(gradmark: Gradmark, code: int, words: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/{code}"
    said(gradmark("login", url, typed="token"), 3, words)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_goes_in_and_its_report_is_printed(
    served: Served, student: Gradmark, solution: Path
) -> None:
    accepted = student("submit", "losses", solution, "--no-wait")
    said(accepted, 0, "Accepted by dl for losses, attempt 1")
    short = identity(accepted)
    said(student("status", short), 0, "no grader is running")
    with presence.announced(served.house.database, served.house.clock):
        said(student("status", short), 0, "yours is next")
    said(student("status"), 0, "Course dl (dl)", short, "waiting")
    served.grade_all()
    report = student("status", short)
    said(report, 0, "losses.py")
    assert re.search(r"losses +(\d+) of \1 points", report.output)
    said(student("status"), 0, short, "10 of 10")
    assert student("status", short, "--wait").output == report.output


def test_submit_waits_for_the_report(served: Served, student: Gradmark, solution: Path) -> None:
    def grade() -> None:
        while not served.house.rows():
            pass
        served.grade_all()

    thread = Thread(target=grade)
    thread.start()
    result = student("submit", "dl/losses", solution)
    thread.join()
    said(result, 0, "Accepted by dl for losses")
    assert re.search(r"losses +(\d+) of \1 points", result.output)


def test_several_files_are_handed_in_together(
    served: Served, student: Gradmark, solution: Path, tmp_path: Path
) -> None:
    other = tmp_path / "helpers.py"
    other.write_text("x = 1\n")
    said(student("submit", "losses", solution, other, "--no-wait"), 0, "attempt 1")
    (row,) = served.house.rows()
    assert row.filename == "losses.zip"
    said(student("submit", "losses", solution, solution, "--no-wait"), 3, "two files")


def test_what_the_server_refuses_is_said_in_its_words(
    served: Served, student: Gradmark, solution: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")
    said(student("submit", "losses", picture), 3, "no .py, .ipynb or .zip")
    with served.house.database.write() as session:
        session.get_one(Assignment, served.house.assignment("losses").id).attempts = 1
    said(student("submit", "losses", solution, "--no-wait"), 0)
    served.grade_all()
    said(student("submit", "losses", solution), 3, "The one attempt is used.")
    served.house.clock.advance(30 * 86400)
    said(student("submit", "norm", solution), 3, "closed on")
    assert len(served.house.rows()) == 1


def test_misuse_is_one_sentence(
    served: Served, student: Gradmark, solution: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.py"
    large.write_bytes(b"#" * (32 * 2**20 + 1))
    said(student("submit", "losses", large), 2, "larger than the 32 MiB")
    said(student("submit", "astrology", solution), 2, "no assignment 'astrology' in dl", "losses")
    said(student("submit", "other/norm", solution), 2, "no course 'other'")
    said(student("submit", "dl/norm", solution, "--course", "other"), 2, "two courses")
    said(student("status", "ffffffff"), 2, "no submission 'ffffffff'")
    for _ in range(20):
        served.house.accept()
    said(student("status", ""), 2, "give more of it")
    assert student("submit", "losses", tmp_path / "absent.py").exit_code == 2
    said(student("logout"), 0)
    said(student("submit", "losses", solution), 2, "You are not logged in")


def test_in_several_courses_one_says_which(
    served: Served, student: Gradmark, solution: Path
) -> None:
    house = served.house
    with house.database.write() as session:
        other = session.get_one(Course, house.course("other").id)
        user = session.get_one(User, house.user().id)
        accounts.enrol(session, other, user, Role.STUDENT, at=house.clock(), actor=None)
    said(student("submit", "norm", solution), 2, "you are in dl, other")
    said(student("submit", "norm", solution, "--course", "other", "--no-wait"), 0, "by other for")
    said(student("submit", "dl/norm", solution, "--no-wait"), 0, "by dl for norm")
    said(student("status"), 0, "Course dl (dl)", "Course other (other)")


def test_what_was_not_graded_is_told_kindly(
    served: Served, student: Gradmark, solution: Path
) -> None:
    with served.house.database.write() as session:
        row = session.get_one(Assignment, served.house.assignment("losses").id)
        row.counts = Counts.LAST
    first = identity(student("submit", "losses", solution, "--no-wait"))
    said(student("submit", "losses", solution, "--no-wait"), 0, "already, byte for byte", first)
    solution.write_text(solution.read_text() + "# corrected\n")
    second = identity(student("submit", "losses", solution, "--no-wait"))
    said(student("status", first), 0, "you handed in a newer one")

    def broken(*_: object) -> dict[str, object]:
        raise RuntimeError("out of order")

    served.house.grade_all(broken)
    assert [row.state for row in served.house.rows()] == [State.FAILED] * 2
    said(student("status", second), 3, "cost no attempt")


def test_a_revoked_token_is_said(served: Served, student: Gradmark, solution: Path) -> None:
    with served.house.database.write() as session:
        session.get_one(User, served.house.user().id).disabled = True
    said(student("submit", "losses", solution), 3, "not valid", "gradmark login")


def test_the_client_needs_neither_torch_nor_flask() -> None:
    code = (
        "import sys, server.client.commands, autograder.render.text;"
        "print(sorted({'torch', 'flask', 'numpy', 'sqlalchemy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_look_hands_nothing_in(served: Served, student: Gradmark, solution: Path) -> None:
    before = student("status").output
    assert student("submit", "losses", solution, "--check").exit_code == 0
    assert student("status").output == before
