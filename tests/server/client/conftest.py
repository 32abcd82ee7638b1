"""A server on a port of its own, and the commands run against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import BaseWSGIServer, make_server

from autograder.cli import main
from autograder.grading.grader import Grader
from autograder.report import instructor_view, student_view
from server.engine import check_report
from server.storage.models import Scope
from server.web.app import create_app
from tests.server import engines
from tests.server.conftest import House, make_house

ENGINE = replace(
    engines.ENGINE,
    views={"student": student_view, "instructor": instructor_view},
    check=check_report,
)


@dataclass
class Served:
    house: House
    url: str
    grader: Grader
    server: BaseWSGIServer

    def restart(self) -> None:
        """Read the configuration again."""
        self.server.app = create_app(self.house.config, ENGINE, self.house.clock)

    def grade_all(self) -> None:
        """Grade what waits, through the sandbox."""
        self.house.grade_all(lambda secret, *rest: self.grader.grade(*rest))


@pytest.fixture
def served(tmp_path: Path, grader: Grader) -> Iterator[Served]:
    house = make_house(tmp_path / "data")
    app = create_app(house.config, ENGINE, house.clock)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Served(house, f"http://127.0.0.1:{server.port}", grader, server)
    server.shutdown()
    thread.join()
    server.server_close()
    house.database.close()


Gradmark = Callable[..., Result]


@pytest.fixture
def gradmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gradmark:
    """`gradmark("submit", ...)`, with a configuration of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*arguments: object, typed: str = "") -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], input=typed)

    return run


@pytest.fixture
def student(served: Served, gradmark: Gradmark) -> Gradmark:
    """The same, logged in as the student."""
    token = served.house.token("student", Scope.READ, Scope.SUBMIT)
    assert gradmark("login", served.url, typed=token).exit_code == 0
    return gradmark
