"""What a hostile student, neighbour or site tries through the browser, and how little it gets."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup
from werkzeug.test import TestResponse

from server import engine
from server.people import enrolling, roster
from server.storage.config import Config
from server.storage.models import Adjustment, Comment, Course, Extension, User
from server.web.app import create_app
from server.web.upload import one_file
from tests.autograder.render import documents
from tests.server import engines
from tests.server.conftest import PASSWORD, SOURCE, House, make_house, post_file
from tests.server.test_access import TABLE, path

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'onmouseover='alert(3)",
    "{{ 1234567 * 2 }}",
    "javascript:alert(4)",
    "</textarea></title></pre><svg onload=alert(5)>",
)
HOSTILE = " ".join(PAYLOADS)


# Stored scripts: whatever somebody can name or write is hostile, and every page is looked at.


@dataclass(frozen=True)
class Hostile:
    """A house in which every word that somebody can choose is hostile."""

    house: House
    app: Flask
    here: dict[str, str]

    def get(self, visitor: str, route: str) -> TestResponse:
        return self.house.log_in(self.app.test_client(), visitor).get(path(route, self.here))


HERE = {"filename": "gradmark.css", "course": "dl", "assignment": "norm", "token": "1"}
PAGES = [
    route
    for route in TABLE
    if route.startswith("GET ")
    and set(re.findall(r"<(?:\w+:)?(\w+)>", route)) <= {*HERE, "public_id", "user_id"}
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    house = make_house(tmp_path_factory.mktemp("hostile"))
    shown = replace(engines.ENGINE, parts=engine.parts)
    app = create_app(house.config, shown, house.clock)
    app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    at = house.clock()
    with house.database.write() as session:
        course = session.get_one(Course, house.course().id)
        course.title = HOSTILE[:200]
        people = roster.read(
            f'email,name,section\nx@example.org,"{_csv(HOSTILE)}","<b>"\n'.encode()
        )
        enrolling.apply(session, course, people, at=at, actor=None)
        student = session.get_one(User, house.user().id)
        student.name = HOSTILE
        norm = session.merge(house.assignment())
        norm.title = HOSTILE[:200]
    attempts = [_hostile_attempt(house, number) for number in range(3)]
    with house.database.write() as session:
        last = session.merge(house.row(attempts[-1]))
        by = session.merge(house.user("instructor"))
        session.add_all(
            [
                Comment(submission_id=last.id, author_id=by.id, text=HOSTILE, written_at=at),
                Adjustment(
                    assignment_id=last.assignment_id,
                    user_id=last.user_id,
                    points=1.0,
                    reason=HOSTILE,
                    adjusted_by_id=by.id,
                    adjusted_at=at,
                ),
                Extension(
                    assignment_id=last.assignment_id,
                    user_id=last.user_id,
                    reason=HOSTILE,
                    granted_by_id=by.id,
                    granted_at=at,
                ),
            ]
        )
    yield Hostile(house, app, HERE | {"public_id": attempts[-1], "user_id": str(student.id)})
    house.database.close()


def _csv(text: str) -> str:
    return text.replace('"', '""')


def _hostile_attempt(house: House, number: int) -> str:
    """A notebook, then files, with everything that their author has a say in."""
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {},
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": HOSTILE},
            {
                "cell_type": "code",
                "metadata": {},
                "execution_count": 1,
                "source": f"text = {HOSTILE!r}\nx = {number}\n",
                "outputs": [
                    {
                        "output_type": "display_data",
                        "metadata": {},
                        "data": {"text/html": HOSTILE, "image/svg+xml": HOSTILE},
                    }
                ],
            },
        ],
    }
    content = json.dumps(notebook) if number == 0 else f"# {number} {HOSTILE}\n"
    name = f"{HOSTILE.replace('/', '')}{'.ipynb' if number == 0 else '.py'}"
    public_id = house.accept(name[-120:], content.encode())

    def grade(*_: object) -> dict[str, Any]:
        curves = [documents.curve(title=HOSTILE, x=HOSTILE, y=HOSTILE)]
        checks = [
            documents.check(HOSTILE, False, HOSTILE, evidence={"got": HOSTILE}),
            documents.check("curve", number == 2, HOSTILE) | {"kind": "curve", "curves": curves},
        ]
        exercise = documents.exercise(HOSTILE, *checks, output=HOSTILE, diagnosis=[HOSTILE])
        flag = {"rule": "name", "what": HOSTILE, "place": HOSTILE, "line": 1, "text": HOSTILE}
        exercise["policy"] = [flag]
        report = documents.view(*[exercise | {"name": f"{n} {HOSTILE}"} for n in range(6)])
        report["submission"]["filename"] = HOSTILE
        return report | {"title": HOSTILE, "notes": [HOSTILE], "policy": "warn"}

    house.grade_all(grade)
    return public_id


class _Scripts(HTMLParser):
    """Collects what a browser would run, or would not take for what the page's author wrote."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}")
            if name in ("href", "src", "action") and re.match(r"\s*([\w+.-]+:|//)", value or ""):
                self.found.append(f"{tag} {name}={value}")
        if tag == "script" and not dict(attrs).get("src"):
            self.found.append("script")
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.found.append(tag)


@pytest.mark.parametrize("route", PAGES)
@pytest.mark.parametrize("visitor", ["student", "instructor"])
def test_no_page_runs_or_fills_in_what_somebody_wrote(
    hostile: Hostile, route: str, visitor: str
) -> None:
    answer = hostile.get(visitor, route)
    assert b"2469134" not in answer.data  # a template in a template
    if answer.mimetype == "text/html":
        assert _Scripts(answer.text).found == []
    elif not answer.headers.get("Content-Disposition", "").startswith("attachment"):
        assert not re.search("html|xml", answer.mimetype)  # nothing else runs


def test_the_hostile_words_are_on_the_pages_at_all(hostile: Hostile) -> None:
    """Else the test above would prove little."""
    for route in (
        "GET /courses/<course>/",
        "GET /courses/<course>/assignments/<assignment>/",
        "GET /courses/<course>/assignments/<assignment>/compare",
        "GET /courses/<course>/submissions/<public_id>/",
        "GET /account",
    ):
        page = hostile.get("student", route).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page, route
    people = hostile.get("instructor", "GET /courses/<course>/staff/people").text
    assert str(Markup.escape(HOSTILE[:100])) in people


def test_looking_changes_nothing(hostile: Hostile) -> None:
    """Another site can only make a browser look. That somebody looked may be noted."""

    def dump() -> list[str]:
        with sqlite3.connect(hostile.house.config.file) as connection:
            return [line for line in connection.iterdump() if "audit_entries" not in line]

    before = dump()
    for route in PAGES:
        hostile.get("admin", route)
    assert dump() == before


# Uploads


def test_a_download_cannot_leave_its_folder(client: FlaskClient, house: House) -> None:
    post_file(client, "../../../etc/cron.d/evil.py")
    post_file(client, "..\\..\\evil.py")
    assert not any(re.search(r"[/\\]", row.filename) for row in house.rows())
    for name in ("../../gradmark.db", "..%2f..%2fgradmark.db", "%2e%2e/gradmark.db", "gradmark.db"):
        assert client.get(f"/courses/dl/submissions/{name}/file").status_code == 404
        assert client.get(f"/static/{name}").status_code == 404


def test_a_download_cannot_write_headers(client: FlaskClient, house: House) -> None:
    name, content = one_file([('a"; filename="b.html\r\nX-Evil: 1.py', SOURCE)], "norm")
    answer = client.get(f"{house.page(house.accept(name, content))}file")
    assert "X-Evil" not in answer.headers
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="a\\"')
    assert "\n" not in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("kind", ["file", "code", "parts"])
def test_too_much_is_refused_before_it_is_read(
    client: FlaskClient, house: House, kind: str
) -> None:
    data: dict[str, object] = {
        "file": {"file": (io.BytesIO(b"#" * (33 * 2**20)), "big.py")},
        "code": {"code": "#" * (5 * 2**20)},
        "parts": {f"x{number}": "" for number in range(2000)},
    }[kind]
    answer = client.post(
        "/courses/dl/assignments/norm/", data=data, content_type="multipart/form-data"
    )
    assert answer.status_code == 413
    assert "larger than a submission may be, which is 32 MiB" in answer.text
    assert house.rows() == []


def test_a_zip_bomb_costs_nothing(client: FlaskClient, house: House) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", b"#" * (64 * 2**20))
    assert post_file(client, "bomb.zip", buffer.getvalue()).status_code == 422
    assert house.rows() == []


def test_handing_in_is_limited_per_user(
    browser: Callable[[str], FlaskClient], house: House
) -> None:
    student = browser("student")
    codes = [post_file(student).status_code for _ in range(31)]
    assert codes == [303] * 30 + [429]
    answer = post_file(student)
    assert "too often" in answer.text
    assert answer.headers["Content-Security-Policy"]
    assert post_file(browser("classmate")).status_code == 303


# Sessions


def cookie(app: Flask) -> str:
    form = {"email": "student@example.org", "password": PASSWORD}
    headers = app.test_client().post("/login", data=form).headers.getlist("Set-Cookie")
    assert all("HttpOnly" in header and "SameSite=Lax" in header for header in headers)
    return "\n".join(headers)


def test_behind_https_the_cookie_travels_by_it_only(app: Flask, house: House) -> None:
    assert "Secure" not in cookie(app)
    config = Config(house.config.data, behind_proxy=True)
    secure = create_app(config, engines.ENGINE, house.clock)
    secure.config["WTF_CSRF_ENABLED"] = False
    assert all("Secure" in header for header in cookie(secure).splitlines())


def test_a_cookie_that_was_changed_opens_nothing(app: Flask, house: House) -> None:
    value = re.search(r"^gradmark=([^;]+)", cookie(app), re.M)
    assert value
    flipped = value[1][:-9] + ("A" if value[1][-9] != "A" else "B") + value[1][-8:]
    for changed, status in ((value[1], 200), (flipped, 302), ("", 302)):
        client = app.test_client()
        client.set_cookie("gradmark", changed)
        assert client.get("/account").status_code == status


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_led_elsewhere(client: FlaskClient, app: Flask, target: str) -> None:
    assert client.get("/login", query_string={"next": target}).headers["Location"] == "/"
    visitor = app.test_client().get(f"/{target}")
    assert "evil" not in visitor.headers.get("Location", "").partition("?")[0]


# Headers


def test_errors_have_the_strict_headers_too(client: FlaskClient, app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def explode() -> str:
        raise RuntimeError("a secret <b>")

    explode.gradmark_access = "public"  # type: ignore[attr-defined]
    app.add_url_rule("/explode", view_func=explode)
    answers = {
        404: client.get("/nowhere"),
        405: client.get("/logout"),
        413: post_file(client, "a.py", b"#" * 33 * 2**20),
        422: post_file(client, "a.exe", SOURCE),
        500: client.get("/explode"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text


def test_pages_are_kept_neither_in_between_nor_by_the_browser(
    client: FlaskClient, house: House
) -> None:
    page = house.page(house.graded())
    for address in ("/courses/dl/", page, f"{page}status", f"{page}file", "/account"):
        assert client.get(address).headers["Cache-Control"] == "private, no-store"


def test_the_data_directory_is_the_servers_own(house: House) -> None:
    house.accept()
    create_app(house.config, engines.ENGINE, house.clock)

    def open_to_others(path: Path) -> bool:
        return bool(path.stat().st_mode & 0o077)

    assert not open_to_others(house.config.file)


@pytest.mark.parametrize(
    ("address", "code"),
    [("/courses/d\0l/", 404), ("/login?next=/\0", 422), ("/api/v1/courses/dl\0", 404)],
)
def test_an_address_with_a_nul_asks_no_database(
    client: FlaskClient, address: str, code: int
) -> None:
    assert client.get(address.replace("\0", "%00")).status_code == code
