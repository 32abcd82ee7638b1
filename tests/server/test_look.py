"""A look at what is handed in, before it counts: on the page and through the API."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.storage.models import Scope
from server.storage.models import Submission as Row
from tests.server.conftest import House, post_file

HOMES = {"norm_a": "normalization", "norm_b": "normalization", "loss": "losses"}
BASE = "/api/v1/courses/dl/assignments/norm"


@pytest.fixture(autouse=True)
def asking(app: Flask) -> None:
    """The engine's topics ask for functions."""
    services = app.extensions["gradmark"]

    def homes(topic: str) -> tuple[dict[str, str], dict[str, str]]:
        return {name: home for name, home in HOMES.items() if home == topic}, HOMES

    replace(services, engine=replace(services.engine, homes=homes)).install(app)


def count(house: House) -> int:
    with house.database.read() as session:
        return session.query(Row).count()


def post(app: Flask, house: House, what: str, content: bytes, name: str = "a.py"):
    token = {"Authorization": f"Bearer {house.token('student', *Scope)}"}
    sent = {"file": (BytesIO(content), name)}
    return app.test_client().post(f"{BASE}/{what}", data=sent, headers=token)


def test_a_look_says_what_is_there_and_takes_nothing(app: Flask, house: House) -> None:
    code = b"x = 1\ndef norm_a(x):\n    raise NotImplementedError\ndef f(:\n"
    seen = post(app, house, "look", code).json
    assert seen["functions"] == [{"name": "norm_a", "place": "a.py", "line": 2, "written": False}]
    assert (seen["missing"], seen["refusal"], seen["again"]) == (["norm_b"], None, False)
    assert seen["problems"] == ["a.py, line 4: SyntaxError: invalid syntax"]
    assert "Still to be written: norm_a." in seen["sentences"]
    assert count(house) == 0


def test_what_was_handed_in_last_is_known_again(app: Flask, house: House) -> None:
    code = b"def norm_a(x): return x"
    made = post(app, house, "submissions", code)
    assert made.status_code == 201
    assert made.json["look"] == ["1 of 2 functions are there.", "Not found: norm_b."]
    assert post(app, house, "look", code).json["again"] is True
    assert post(app, house, "look", code + b"\n").json["again"] is False


def test_another_topics_file_is_refused_and_costs_no_attempt(app: Flask, house: House) -> None:
    for content, word in ((b"def loss(x): return x", "topic losses"), (b"x = 1", "norm_a")):
        refused = post(app, house, "submissions", content)
        assert refused.status_code == 422
        assert word in refused.json["detail"]
        assert post(app, house, "look", content).json["refusal"] in refused.json["detail"]
    assert count(house) == 0


def test_what_may_define_more_than_is_seen_is_taken(app: Flask, house: House) -> None:
    assert post(app, house, "submissions", b"exec('def norm_a(x): return x')").status_code == 201


def test_the_page_says_what_is_missing(client: FlaskClient, house: House) -> None:
    answer = post_file(client, content=b"def norm_a(x): return x")
    page = client.get(answer.headers["Location"]).text
    assert "Not found: norm_b." in page
    refused = post_file(client, content=b"def loss(x): return x")
    assert refused.status_code == 422
    assert "looks like the topic losses" in refused.text
    assert count(house) == 1


def test_the_page_looks_before_anything_counts(client: FlaskClient, house: House) -> None:
    address = "/courses/dl/assignments/norm/look"
    code = "def norm_a(x):\n    return x\ndef norm_b(x):\n    raise NotImplementedError\n<b>\n"
    page = client.post(address, data={"code": code}, content_type="multipart/form-data")
    assert page.status_code == 200
    assert "normalization.py, line 1" in page.text
    assert "line 3: still to be written" in page.text
    assert "normalization.py, line 5: SyntaxError" in page.text
    assert "&lt;b&gt;" in page.text  # what was pasted is still there
    foreign = {"file": (BytesIO(b"def loss(x): return x"), "a.py")}
    page = client.post(address, data=foreign, content_type="multipart/form-data")
    assert "looks like the topic losses. It would not be taken." in page.text
    nothing = client.post(address, data={}, content_type="multipart/form-data")
    assert nothing.status_code == 422
    assert client.post(address, data={"code": code}).status_code == 415
    assert count(house) == 0


def test_the_page_knows_what_was_handed_in_last(client: FlaskClient, house: House) -> None:
    address, code = "/courses/dl/assignments/norm/", b"def norm_a(x):\n    return x\n"

    def post(where: str, content: bytes) -> str:
        sent = {"file": (BytesIO(content), "a.py")}
        return client.post(where, data=sent, content_type="multipart/form-data").text

    post(address, code)
    assert count(house) == 1
    assert "byte for byte, what you have handed in before" in post(f"{address}look", code)
    assert "what you have handed in before" not in post(f"{address}look", code + b"\n")
