"""What machines ask the server, and what it logs: health, metrics, lines without personal data."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from server import logs
from server.grading import presence
from server.logs import LogFormat
from server.storage.config import Config
from server.storage.models import Assignment, Counts, State
from server.web.app import create_app
from tests.server import engines
from tests.server.conftest import PASSWORD, House, Upload, post_file, wait_for
from tests.server.test_exports import import_roster

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


def samples(response: TestResponse) -> dict[str, float]:
    """`name{label="value"}` -> value."""
    assert response.status_code == 200
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_health_tells_whether_somebody_grades(client: FlaskClient, house: House) -> None:
    none = {"cpu": {"waiting": 0, "graders": 0, "set_aside": []}}
    ok = {"status": "ok", "graders": 0, "oldest_waiting_seconds": None, "devices": none}
    assert client.get("/healthz").json == ok
    house.accept()
    house.clock.advance(7)
    stuck = {
        "status": "no grader is there",
        "graders": 0,
        "oldest_waiting_seconds": 7.0,
        "devices": {"cpu": {"waiting": 1, "graders": 0, "set_aside": []}},
    }
    assert client.get("/healthz").json == stuck
    with presence.announced(house.database, house.clock):
        one = {"cpu": {"waiting": 1, "graders": 1, "set_aside": []}}
        there = {**stuck, "status": "ok", "graders": 1, "devices": one}
        assert client.get("/healthz").json == there
    assert client.get("/healthz").json == stuck


def test_health_tells_of_a_disk_before_it_is_full(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Config, "free", lambda config: 2**30 - 1)
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json["status"] == "the disk is nearly full"


@pytest.mark.parametrize(
    ("where", "what"), [((Config, "free"), lambda _: 2**20), ((os, "access"), lambda *_: False)]
)
def test_health_is_ill_when_nothing_can_be_stored(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, where: tuple[object, str], what: object
) -> None:
    monkeypatch.setattr(*where, what)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json["status"] == "nothing can be stored: the disk is full or read-only"


def test_a_grader_is_there_while_it_gives_signs_of_life(house: House) -> None:
    def alive() -> int:
        with house.database.read() as session:
            return len(presence.alive(session, house.clock()))

    with presence.announced(house.database, house.clock, beat=timedelta(milliseconds=10)):
        house.clock.advance(2 * presence.ALIVE.total_seconds())
        wait_for(lambda: alive() == 1)
    with presence.announced(house.database, house.clock, beat=timedelta(hours=1)):
        house.clock.advance(2 * presence.ALIVE.total_seconds())
        assert alive() == 0


def test_the_metrics_count_what_happened(client: FlaskClient, upload: Upload, house: House) -> None:
    with house.database.write() as session:
        session.get_one(Assignment, house.assignment().id).counts = Counts.LAST
    upload()
    upload()  # supersedes the first
    house.clock.advance(60)
    before = samples(client.get("/metrics"))
    assert before["gradmark_submissions[waiting]"] == 1
    assert before["gradmark_submissions[superseded]"] == 1
    assert before["gradmark_oldest_waiting_seconds"] == 60
    assert before["gradmark_accepted_total"] == 2
    assert before["gradmark_grading_seconds_count"] == 0

    def slow(*_: object) -> dict[str, object]:
        house.clock.advance(3)
        return engines.report("normalization")

    house.grade_all(slow)
    after = samples(client.get("/metrics"))
    assert after["gradmark_gradings_total[graded]"] == 1
    assert after["gradmark_submissions[graded]"] == 1
    assert after["gradmark_oldest_waiting_seconds"] == 0
    assert after["gradmark_grading_seconds_sum"] == 3
    assert after["gradmark_grading_seconds_bucket[2.5]"] == 0
    assert after["gradmark_grading_seconds_bucket[5]"] == 1
    route = "/courses/<course>/assignments/<assignment>/"
    assert after[f"gradmark_requests_total[POST][{route}][303]"] == 2


def test_faults_are_counted_apart(client: FlaskClient, house: House) -> None:
    house.accept()

    def broken(*_: object) -> dict[str, object]:
        raise OSError("the disk is full")

    house.grade_all(broken)
    (row,) = house.rows()
    assert row.state is State.FAILED
    found = samples(client.get("/metrics"))
    assert found["gradmark_gradings_total[fault]"] == 3
    assert found["gradmark_gradings_total[failed]"] == 1
    assert found["gradmark_gradings_total[graded]"] == 0


def test_the_metrics_are_for_this_machine_or_whoever_has_the_token(
    client: FlaskClient, house: House
) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_overrides=ELSEWHERE).status_code == 403
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    config = Config(house.config.data, metrics_token="a long token")
    other = create_app(config, engines.ENGINE, house.clock).test_client()
    assert other.get("/metrics").status_code == 403
    assert other.get("/metrics", headers={"Authorization": "Bearer a"}).status_code == 403
    response = other.get(
        "/metrics",
        headers={"Authorization": "Bearer a long token"},
        environ_overrides=ELSEWHERE,
    )
    assert response.status_code == 200


def test_an_address_that_leads_nowhere_makes_no_metric_of_its_own(client: FlaskClient) -> None:
    client.get("/nowhere/1")
    client.get("/nowhere/2")
    found = samples(client.get("/metrics"))
    assert found["gradmark_requests_total[GET][none][404]"] == 2
    assert "nowhere" not in str(found)


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What is logged in JSON, everything from every logger."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logs.formatter(LogFormat.JSON))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in text.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def test_the_log_knows_people_as_numbers(
    app: Flask,
    client: FlaskClient,
    house: House,
    logged: Callable[[], list[dict[str, object]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_roster(house)
    form = {"email": "ada.l@example.org", "password": "wrong, and secret"}
    app.test_client().post("/login", data=form, environ_overrides=ELSEWHERE)
    form = {"email": "student@example.org", "password": PASSWORD}
    app.test_client().post("/login", data=form, environ_overrides=ELSEWHERE)
    app.test_client().get("/invitations/gradmark_invitation_secret")
    post_file(client, "jane_student_homework.py")
    house.grade_all()
    with monkeypatch.context() as patched:  # a fault whose message holds what was typed
        patched.setattr(
            "server.people.accounts.find",
            lambda session, email: session.connection().exec_driver_sql(
                "SELECT * FROM nowhere WHERE email = ?", (email,)
            ),
        )
        assert app.test_client().post("/login", data=form).status_code == 500
    lines = logged()
    request = next(line for line in lines if line.get("status") == 303 and line.get("user"))
    assert request["user"] == house.user().id
    assert {"at", "level", "logger", "message", "method", "route", "ms"} <= set(request)
    assert any(line["message"] == "graded" and line["submission"] == 1 for line in lines)
    assert any("no such table" in str(line.get("exc_info")) for line in lines)
    everything = json.dumps(lines)
    for secret in (
        *("ada.l", "student@", "Student", "example.org", "192.0.2.7", "jane"),
        *("wrong, and secret", PASSWORD, "invitation_secret"),
    ):
        assert secret not in everything


def test_a_line_of_text_holds_the_same() -> None:
    record = logging.makeLogRecord(
        {"name": "server.grading.grader", "msg": "graded", "submission": 7, "user": None}
    )
    line = logs.formatter(LogFormat.TEXT).format(record)
    assert line.endswith("server.grading.grader: graded submission=7")
