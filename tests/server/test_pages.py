"""The way of a student: hand in, wait, read the report; and every way of getting it wrong."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.engine import Rules
from server.grading import presence
from server.storage.models import Assignment, Counts, State
from tests.server import engines
from tests.server.conftest import PASSWORD, House, Upload, post_file, sentence


def test_a_file_is_accepted_graded_and_its_report_shown(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    response = upload()
    assert response.status_code == 303
    page = response.location
    assert "no grader is running" in client.get(page).text
    with presence.announced(house.database, house.clock):
        assert "Yours is next." in client.get(page).text
        status = client.get(f"{page}status").json
    assert status == {
        "state": "waiting",
        "final": False,
        "position": 1,
        "sentence": "Yours is next.",
        "retrying": False,
        "progress": {"exercise": None, "done": 0, "total": 0},
    }

    house.grade_all()

    assert client.get(f"{page}status").json["state"] == "graded"
    report = client.get(page).text
    assert "7.5 of 10.0 points" in report
    assert "group_norm: 2.5 of 5.0" in report
    assignment = client.get("/courses/dl/assignments/norm/").text
    assert "<b>7.5</b> / 10" in assignment
    assert "Your grade: <b>7.5</b> of 10 points" in assignment
    assert "<b>7.5</b> / 10" in client.get("/courses/dl/").text


def test_the_status_tells_the_position_and_the_running_exercise(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    second, first = upload().location, upload(assignment="losses").location  # newest first
    house.clock.advance(3600)
    claim = house.queue.claim()
    house.queue.progress(claim, "dropout", 2, 5)
    assert "Exercise 3 of 5: dropout" in client.get(first).text
    assert client.get(f"{first}status").json == {
        "state": "grading",
        "final": False,
        "position": None,
        "sentence": "Exercise 3 of 5: dropout",
        "retrying": False,
        "progress": {"exercise": "dropout", "done": 2, "total": 5},
    }
    assert client.get(f"{second}status").json["position"] == 1


def test_without_javascript_the_page_renews_itself(client: FlaskClient, upload: Upload) -> None:
    page = client.get(upload().location).text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page


def test_students_see_their_own_submissions_only(
    browser: Callable[[str], FlaskClient], house: House
) -> None:
    house.accept("mine.py")
    assert "mine.py" in browser("student").get("/courses/dl/assignments/norm/").text
    assert "mine.py" not in browser("classmate").get("/courses/dl/assignments/norm/").text


def test_what_a_newer_one_supersedes_says_so(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    with house.database.write() as session:
        session.get_one(Assignment, house.assignment().id).counts = Counts.LAST
    first, _second = upload().location, upload().location
    assert "You handed in a newer file" in client.get(first).text
    assert client.get(f"{first}status").json["final"] is True


def test_the_same_bytes_are_answered_with_the_first(client: FlaskClient, upload: Upload) -> None:
    first = upload(content=b"x = 1\n").location
    again = upload(content=b"x = 1\n", filename="other.py")
    assert again.location == first
    assert "byte for byte, what you have handed in before" in client.get(first).text


def test_after_the_end_nothing_is_accepted_but_from_staff(
    browser: Callable[[str], FlaskClient], house: House
) -> None:
    house.clock.advance(15 * 86400)
    refused = post_file(browser("student"))
    assert refused.status_code == 422
    assert "This assignment closed on" in sentence(refused)
    assert house.kept() == []
    assert post_file(browser("assistant")).status_code == 303


@pytest.mark.parametrize(
    ("filename", "content", "said"),
    [
        ("solution.py", b"", "is empty"),
        ("solution.py", b"a\0b", "NUL"),
        ("solution.exe", b"MZ", "no .py, .ipynb or .zip"),
        ("solution.ipynb", b"{", "not a readable notebook"),
        ("solution.zip", b"PK", "not a readable zip"),
        ("solution.py", b"#" * (4 * 2**20 + 1), "more than the 4 MiB"),
        ("", b"x", "Choose the file"),
    ],
)
def test_a_bad_file_is_refused_with_one_sentence(
    upload: Upload, house: House, filename: str, content: bytes, said: str
) -> None:
    response = upload(filename, content)
    assert response.status_code == 422
    assert said in sentence(response)
    assert house.rows() == []
    assert house.kept() == []


def test_an_unknown_assignment_is_not_found(upload: Upload) -> None:
    assert upload(assignment="astrology").status_code == 404


def test_other_misuse_gets_a_page_with_one_sentence(client: FlaskClient, upload: Upload) -> None:
    answers = {
        404: client.get("/courses/dl/submissions/nothing/"),
        405: client.get("/logout"),
        413: upload("big.py", b"#" * (33 * 2**20)),
        415: client.post(
            "/courses/dl/assignments/norm/", data=b"{}", content_type="application/json"
        ),
    }
    for code, response in answers.items():
        assert response.status_code == code
        assert sentence(response).endswith(".")
        assert "Gradmark" in response.text


@pytest.mark.parametrize(
    ("sent_from", "back"),
    [
        ("http://localhost/courses/dl/assignments/norm/", True),
        ("http://localhost.example.org/courses/dl/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_refused_form_leads_back(client: FlaskClient, sent_from: str, back: bool) -> None:
    answer = post_file(client, content=b"#" * (33 * 2**20), Referer=sent_from)
    assert answer.status_code == 413
    assert (f'href="{sent_from}">Back to the form' in answer.text) == back
    assert ("Back to the form" in answer.text) == back


def test_a_fault_of_ours_is_a_page_without_a_stack_trace(
    app: Flask, upload: Upload, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("server.grading.turns.queue_up", full)
    response = upload()
    assert response.status_code == 507
    assert "it was not accepted" in sentence(response)
    assert "Traceback" not in response.text
    assert house.rows() == []
    assert house.kept() == []


def test_what_failed_is_called_our_fault_and_has_no_score(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise RuntimeError("zygote <gone>")

    page = upload().location
    house.grade_all(broken)
    text = client.get(page).text
    assert "our fault, not yours" in text
    assert "zygote" not in text
    (row,) = house.rows()
    assert (row.state, row.score, row.last_fault) == (
        State.FAILED,
        None,
        "RuntimeError: zygote <gone>",
    )


def test_a_file_name_is_shown_as_text(client: FlaskClient, upload: Upload, house: House) -> None:
    name = "<img src=x onerror=alert(1)>.py"
    page = upload(name).location
    house.grade_all()
    assignment = client.get("/courses/dl/assignments/norm/").text
    for text in (client.get(page).text, assignment, upload(name[:-3]).text):
        assert "&lt;img src=x onerror=alert(1)&gt;" in text
        assert "<img" not in text


def test_whatever_a_report_says_can_be_sent(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    def printing(rules: Rules, topic: str, *_: object) -> dict[str, Any]:
        report = engines.report(topic)
        report["exercises"][0]["name"] = "<b>\ud800\0"
        return report

    page = upload().location
    house.grade_all(printing)
    response = client.get(page)
    assert response.status_code == 200
    assert "&lt;b&gt;?" in response.text


def test_a_file_name_loses_what_cannot_be_printed(upload: Upload, house: House) -> None:
    upload("a\u202eb\x07c.py")
    upload("long" * 100 + ".py")
    first, second = house.rows()
    assert first.filename == "abc.py"
    assert len(second.filename) == 120
    assert second.filename.endswith(".py")


def test_pages_obey_their_own_policy(client: FlaskClient, upload: Upload, house: House) -> None:
    page = upload().location
    paths = ("/courses/dl/", "/courses/dl/assignments/norm/", page, "/account", "/nowhere")
    texts = [client.get(path).text for path in paths]
    house.grade_all()
    # This server's own address stands there for other programs: of a calendar, of a badge.
    foreign = r"https?://(?!www\.w3\.org|localhost/)"
    for text in [*texts, client.get(page).text]:
        assert not re.search(rf"\sstyle=|\son\w+=|<style|{foreign}", text)
        assert not re.search(r"<script(?![^>]*\ssrc=)", text)


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(app: Flask) -> None:
    form = {"email": "student@example.org", "password": PASSWORD}
    cookie = app.test_client().post("/login", data=form).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_many_upload_at_once_and_none_is_lost(app: Flask, house: House) -> None:
    codes: list[int] = []

    for who in range(8):
        house.student(f"s{who}")

    def hand_in_some(who: int) -> None:
        client = house.log_in(app.test_client(), f"s{who}")
        for turn in range(5):
            codes.append(post_file(client, f"s{who}_{turn}.py").status_code)

    threads = [threading.Thread(target=hand_in_some, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [303] * 40
    expected = {f"s{who}_{turn}.py" for who in range(8) for turn in range(5)}
    assert {row.filename for row in house.rows()} == expected
    house.grade_all()
    assert {row.state for row in house.rows()} == {State.GRADED}


def test_what_a_report_needs(client: FlaskClient) -> None:
    assert client.get("/report.css").text == engines.ENGINE.stylesheet
    assert client.get("/report.js").text == engines.ENGINE.script
