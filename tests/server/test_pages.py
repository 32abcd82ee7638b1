"""The way of a student: hand in, wait, read the report; and every way of getting it wrong."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.models import State
from tests.server import engines
from tests.server.conftest import House, Upload, post_file, sentence


def test_a_file_is_accepted_graded_and_its_report_shown(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    response = upload()
    assert response.status_code == 303
    page = response.location
    assert "Yours is next." in client.get(page).text
    assert client.get(f"{page}/status").json == {
        "state": "waiting",
        "position": 1,
        "retrying": False,
        "progress": {"exercise": None, "done": 0, "total": 0},
    }

    house.grade_all()

    assert client.get(f"{page}/status").json["state"] == "graded"
    report = client.get(page).text
    assert "15.0 of 20.0 points" in report
    assert "group_norm: 5.0 of 10.0" in report
    assert "<b>15</b> / 20" in client.get("/").text


def test_the_status_tells_the_position_and_the_running_exercise(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    first, second = upload().location, upload().location
    house.clock.advance(3600)
    claim = house.queue.claim()
    house.queue.progress(claim, "dropout", 2, 5)
    assert "Exercise 3 of 5: dropout" in client.get(first).text
    assert client.get(f"{first}/status").json == {
        "state": "grading",
        "position": None,
        "retrying": False,
        "progress": {"exercise": "dropout", "done": 2, "total": 5},
    }
    assert client.get(f"{second}/status").json["position"] == 1


def test_without_javascript_the_page_renews_itself(client: FlaskClient, upload: Upload) -> None:
    page = client.get(upload().location).text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page


def test_a_browser_lists_its_own_submissions_only(app: Flask, house: House) -> None:
    mine, other = app.test_client(), app.test_client()
    page = post_file(mine, "mine.py").location
    assert "mine.py" in mine.get("/").text
    assert "mine.py" not in other.get("/").text
    assert other.get(page).status_code == 200  # whoever has the link may read


def test_samples_are_listed_for_everyone_and_called_generated(
    client: FlaskClient, house: House
) -> None:
    assert "generated" not in client.get("/").text
    from autograder.submission import parse

    content = b"x = 1\n"
    house.queue.accept("losses", parse("sample.py", content), content, owner=None)
    page = client.get("/").text
    assert "sample.py" in page
    assert "Demo data is generated" in page


@pytest.mark.parametrize(
    ("filename", "content", "said"),
    [
        ("solution.py", b"", "is empty"),
        ("solution.py", b"\xff\xfe\xfa", "UTF-8"),
        ("solution.py", b"a\0b", "NUL"),
        ("solution.exe", b"MZ", "no .py, .ipynb or .zip"),
        ("solution.ipynb", b"{", "not a readable notebook"),
        ("solution.zip", b"PK", "not a readable zip"),
        ("solution.py", b"#" * (4 * 2**20 + 1), "larger than the 4 MiB"),
        ("", b"x", "Choose the file"),
    ],
)
def test_a_bad_file_is_refused_with_one_sentence(
    upload: Upload, house: House, filename: str, content: bytes, said: str
) -> None:
    response = upload(filename, content)
    assert response.status_code == 422
    assert said in sentence(response)
    assert '<option value="normalization" selected>' in response.text  # the form is kept
    assert house.rows() == []
    assert list(house.config.submissions.iterdir()) == []


def test_an_unknown_assignment_is_refused(upload: Upload) -> None:
    response = upload(assignment="astrology")
    assert response.status_code == 422
    assert "Choose the assignment" in sentence(response)


def test_other_misuse_gets_a_page_with_one_sentence(client: FlaskClient, upload: Upload) -> None:
    answers = {
        404: client.get("/submissions/nothing"),
        405: client.get("/submissions"),
        413: upload("big.py", b"#" * (5 * 2**20)),
        415: client.post("/submissions", data=b"{}", content_type="application/json"),
    }
    for code, response in answers.items():
        assert response.status_code == code
        assert sentence(response).endswith(".")
        assert "Gradmark" in response.text


def test_a_fault_of_ours_is_a_page_without_a_stack_trace(
    app: Flask, upload: Upload, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("server.files.os.fsync", full)
    response = upload()
    assert response.status_code == 500
    assert "it was not accepted" in sentence(response)
    assert "Traceback" not in response.text
    assert "space" not in response.text
    assert house.rows() == []
    assert list(house.config.submissions.iterdir()) == []


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
    for text in (client.get(page).text, client.get("/").text, upload(name[:-3]).text):
        assert "&lt;img src=x onerror=alert(1)&gt;" in text
        assert "<img" not in text


def test_whatever_a_report_says_can_be_sent(
    client: FlaskClient, upload: Upload, house: House
) -> None:
    def printing(assignment: str, *_: object) -> dict[str, Any]:
        report = engines.report(assignment)
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


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 303),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({}, 303),
    ],
)
def test_a_form_on_another_site_cannot_hand_in(
    upload: Upload, headers: dict[str, str], code: int
) -> None:
    assert upload(**headers).status_code == code


def test_every_route_sends_the_strict_headers(
    app: Flask, client: FlaskClient, upload: Upload
) -> None:
    page = upload().location
    public_id = page.rsplit("/", 1)[1]
    values = {"public_id": public_id, "filename": "gradmark.css"}
    seen = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match[1]], rule.rule)
        response = client.open(path, method="GET" if "GET" in rule.methods else "POST")
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        seen.add(rule.endpoint)
    assert "student.submission" in seen


def test_pages_obey_their_own_policy(client: FlaskClient, upload: Upload, house: House) -> None:
    page = upload().location
    texts = [client.get("/").text, client.get(page).text, client.get("/nowhere").text]
    house.grade_all()
    for text in [*texts, client.get(page).text]:
        assert not re.search(r"\sstyle=|\son\w+=|<style|https?://(?!www\.w3\.org)", text)
        assert not re.search(r"<script(?![^>]*\ssrc=)", text)


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(upload: Upload) -> None:
    cookie = upload().headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_many_upload_at_once_and_none_is_lost(app: Flask, house: House) -> None:
    codes: list[int] = []

    def hand_in_some(who: int) -> None:
        client = app.test_client()
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


def test_health_and_stylesheet(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/report.css").text == engines.ENGINE.stylesheet
