"""Several web servers, and graders on hosts of their own, on one PostgreSQL database."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from server.grading.exercises import Same, publish
from server.grading.grader import GraderLoop
from server.grading.queue import Queue
from server.storage.config import Config
from server.storage.models import State
from server.web.app import create_app
from tests.server import conftest, engines
from tests.server.conftest import PASSWORD, House, post_file, wait_for

pytestmark = pytest.mark.usefixtures("on_postgresql")


@pytest.fixture
def servers(house: House, tmp_path: Path) -> list[FlaskClient]:
    """One browser, and two servers with data directories of their own behind one name."""
    configs = [Config(tmp_path / name, shared=house.config.shared) for name in ("one", "two")]
    apps = [create_app(config, engines.ENGINE) for config in configs]
    for app in apps:
        app.config["WTF_CSRF_ENABLED"] = False
    browser = apps[0].test_client()
    other = apps[1].test_client()
    other._cookies = browser._cookies
    return [browser, other]


def test_a_session_holds_on_every_server_and_any_shows_what_another_took(
    house: House, servers: list[FlaskClient]
) -> None:
    one, two = servers
    sent = {"email": "student@example.org", "password": PASSWORD}
    assert one.post("/login", data=sent).status_code in {302, 303}
    content = conftest.new_source()
    assert post_file(two, content=content).status_code == 303
    (row,) = house.rows()
    page = house.page(row.public_id)
    assert one.get(f"{page}status").json["state"] == "waiting"
    assert one.get(f"{page}file").data == content
    house.clock.advance(60)
    house.grade_all()
    assert {client.get(f"{page}status").json["state"] for client in servers} == {"graded"}
    assert one.post("/logout").status_code in {302, 303}
    assert two.get("/courses/dl/").status_code == 302


def test_guesses_are_counted_together(servers: list[FlaskClient]) -> None:
    wrong = {"email": "student@example.org", "password": "wrong"}
    answers = [servers[turn % 2].post("/login", data=wrong).status_code for turn in range(24)]
    assert 429 not in answers[:10]
    assert 429 in answers[10:12]
    assert answers[-1] == 429


def test_a_grader_with_other_exercises_says_so_and_claims_nothing(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.grading.exercises._SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr("server.grading.exercises._SECONDS_BETWEEN_COMPLAINTS", 0.0)
    own = {"normalization": "1" * 64, "losses": "2" * 64}
    same = Same(house.database, lambda: own)
    public_id = house.accept()
    opener = engines.opener(engines.grade)
    loop = GraderLoop(Queue(house.database), house.files, opener, poll=0.0, may_claim=same)
    said: list[str] = []

    def stop(seconds: int) -> None:
        said.extend(record.getMessage() for record in caplog.records)
        loop.stop()

    monkeypatch.setattr(loop, "_await_news", stop)
    with caplog.at_level(logging.ERROR):
        loop.run()
        assert "no web server has said" in said[-1]
        publish(house.database, lambda: {**own, "losses": "3" * 64})
        assert not same()
        assert caplog.messages[-1].endswith("not those of the web server: losses")
    assert house.row(public_id).state is State.WAITING
    publish(house.database, lambda: own)
    assert same()
    again = GraderLoop(Queue(house.database), house.files, opener, poll=0.0, may_claim=same)
    monkeypatch.setattr(again, "_await_news", lambda seen: again.stop())
    again.run()
    wait_for(lambda: house.row(public_id).state is State.GRADED)
