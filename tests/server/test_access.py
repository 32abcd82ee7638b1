"""Every route, for everybody: a table that a new route has to be entered into.

Each line says who is let in. Whoever is not is sent to the login page (nobody logged in), told that
there is nothing (404: not in the course, somebody else's submission) or that it is not for their
role (403).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.access import declared
from server.app import create_app
from tests.server import engines
from tests.server.conftest import House, make_house

NOBODY, OUTSIDER = "nobody", "outsider"
SIGNED_IN = {"student", "classmate", "assistant", "instructor", "admin", "outsider"}
COURSE = SIGNED_IN - {"outsider"}
OWNER = COURSE - {"classmate"}
STAFF = {"assistant", "instructor", "admin"}
INSTRUCTORS = {"instructor", "admin"}
ADMIN = {"admin"}
EVERYONE = SIGNED_IN | {NOBODY}

# One line per route: who gets in. Submissions are the student's; an own token is each one's.
TABLE = {
    "GET /static/<path:filename>": EVERYONE,
    "GET /healthz": EVERYONE,
    "GET /metrics": EVERYONE,  # on this machine; elsewhere whoever has the token
    "GET /report.css": EVERYONE,
    "GET /report.js": EVERYONE,
    "GET /login": EVERYONE,
    "POST /login": EVERYONE,
    "GET /invitations/<token>": EVERYONE,
    "POST /invitations/<token>": EVERYONE,
    "GET /api/v1/": EVERYONE,
    "GET /": SIGNED_IN,
    "GET /account": SIGNED_IN,
    "POST /account": SIGNED_IN,
    "POST /account/tokens": SIGNED_IN,
    "POST /account/tokens/<int:token>/revoke": {"student"},
    "POST /logout": SIGNED_IN,
    "GET /admin/users": ADMIN,
    "GET /admin/users/<int:user_id>": ADMIN,
    "GET /admin/users/<int:user_id>/export": ADMIN,
    "POST /admin/users/<int:user_id>/delete": ADMIN,
    "GET /courses/<course>/": COURSE,
    "GET /courses/<course>/assignments/<assignment>/": COURSE,
    "POST /courses/<course>/assignments/<assignment>/": COURSE,
    "GET /courses/<course>/submissions/<public_id>/": OWNER,
    "GET /courses/<course>/submissions/<public_id>/status": OWNER,
    "GET /courses/<course>/staff/": STAFF,
    "GET /courses/<course>/staff/people": STAFF,
    "POST /courses/<course>/staff/people/import": INSTRUCTORS,
    "POST /courses/<course>/staff/people/links": INSTRUCTORS,
    "GET /courses/<course>/staff/exports": STAFF,
    "GET /courses/<course>/staff/exports/grades.csv": STAFF,
    "GET /courses/<course>/staff/exports/grades.json": STAFF,
    "GET /courses/<course>/staff/exports/moodle.csv": STAFF,
    "POST /courses/<course>/staff/exports/canvas": STAFF,
}


@dataclass
class Place:
    """One house for the whole table: no request in it changes who may do what."""

    house: House
    app: Flask
    here: dict[str, str]
    elsewhere: dict[str, str]

    def client(self, name: str) -> FlaskClient:
        client = self.app.test_client()
        return client if name == NOBODY else self.house.log_in(client, name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    house = make_house(tmp_path_factory.mktemp("access"))
    app = create_app(house.config, engines.ENGINE, house.clock)
    app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    student = house.user("student")
    house.token("student")
    here = {
        "filename": "gradmark.css",
        "course": "dl",
        "assignment": "norm",
        "public_id": house.graded(),
        "token": "1",  # the student's
        "user_id": str(student.id),
    }
    elsewhere = {
        "assignment": "elsewhere",
        "public_id": house.accept(user="outsider", assignment="elsewhere", course="other"),
        "user_id": str(house.user("outsider").id),
    }
    yield Place(house, app, here, elsewhere)
    house.database.close()


def routes(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def path(route: str, values: dict[str, str]) -> str:
    rule = route.split(" ")[1]
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match[1]], rule)


def test_the_table_has_every_route_and_no_other(place: Place) -> None:
    assert routes(place.app) == set(TABLE)


def test_every_view_declares_who_may_see_it(place: Place) -> None:
    undeclared = {
        endpoint
        for endpoint, view in place.app.view_functions.items()
        if endpoint != "static" and declared(view) is None
    }
    assert undeclared == set()


@pytest.mark.parametrize("route", TABLE)
def test_who_gets_in(place: Place, route: str) -> None:
    method = route.split(" ")[0]
    got = {}
    for name in sorted(EVERYONE):
        response = place.client(name).open(path(route, place.here), method=method)
        sent_to_login = response.status_code == 302 and "/login" in response.headers["Location"]
        got[name] = "login" if sent_to_login else response.status_code
        assert response.status_code < 500
    let_in = {name for name, code in got.items() if code not in ("login", 403, 404)}
    assert let_in == TABLE[route], got
    if NOBODY not in TABLE[route]:
        assert got[NOBODY] == "login"
    if "<course>" in route:
        assert got[OUTSIDER] == 404  # not even that there is such a course


@pytest.mark.parametrize(
    ("route", "name"),
    [
        (route, name)
        for route in TABLE
        for name in ("assignment", "public_id", "user_id")
        if f"{name}>" in route and "<course>" in route
    ],
)
def test_what_belongs_to_another_course_is_not_found_here(
    place: Place, route: str, name: str
) -> None:
    address = path(route, place.here | {name: place.elsewhere[name]})
    for visitor in sorted(COURSE):
        response = place.client(visitor).open(address, method=route.split(" ")[0])
        assert response.status_code == 404, visitor


def test_every_form_wants_its_token(place: Place, tmp_path: Path) -> None:
    app = create_app(place.house.config, engines.ENGINE, place.house.clock)
    client = place.house.log_in(app.test_client(), "admin")
    for route in TABLE:
        if route.startswith("POST ") and "/api/" not in route:
            assert client.post(path(route, place.here)).status_code == 400, route


def test_every_answer_has_the_strict_headers(place: Place) -> None:
    client = place.client("admin")
    for route in TABLE:
        response = client.open(path(route, place.here), method=route.split(" ")[0])
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        client = place.client("admin")  # /logout is a route, too
