"""Every route, for everybody: a table that a new route has to be entered into.

Each line says who is let in. Whoever is not is sent to the login page (nobody logged in), told that
there is nothing (404: not in the course, somebody else's submission) or that it is not for their
role (403). Programs ask the API with a token, which may do all here; without one they get 401.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import oidc_provider_mock
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.parts import answers
from server.storage.models import Assignment, Part, PartKind, RubricItem, Scope
from server.web import app as app_module
from server.web.access import declared, needed_scope
from server.web.app import create_app
from tests.server import engines
from tests.server.conftest import House, make_app, make_house

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
    "GET /login/<provider>": EVERYONE,
    "GET /login/<provider>/callback": EVERYONE,
    "GET /account/identities/<provider>": SIGNED_IN,
    "POST /account/identities/<int:identity>/unlink": {"student"},
    "GET /login/forgotten": EVERYONE,
    "POST /login/forgotten": EVERYONE,
    "GET /mail/<token>": EVERYONE,
    "POST /mail/<token>": EVERYONE,
    "POST /account/language": SIGNED_IN,
    "POST /account/mail": SIGNED_IN,
    "GET /admin/outbox": ADMIN,
    "POST /admin/outbox/<int:row_id>/again": ADMIN,
    "GET /lti/login": EVERYONE,
    "POST /lti/login": EVERYONE,
    "POST /lti/launch": EVERYONE,
    "POST /lti/finish": EVERYONE,
    "GET /lti/arrived": EVERYONE,
    "POST /lti/enter": EVERYONE,
    "GET /lti/keys": EVERYONE,
    "GET /lti/canvas.json": EVERYONE,
    "GET /lti/register/<token>": EVERYONE,
    "GET /lti/waiting": SIGNED_IN,
    "POST /lti/connect": SIGNED_IN,
    "GET /lti/courses/<course>/choose": INSTRUCTORS,
    "POST /lti/courses/<course>/choose": INSTRUCTORS,
    "GET /courses/<course>/staff/lms": STAFF,
    "POST /courses/<course>/staff/lms/<int:context_id>/roster": INSTRUCTORS,
    "POST /courses/<course>/staff/lms/<int:context_id>/disconnect": INSTRUCTORS,
    "POST /courses/<course>/staff/lms/grades/<int:sent_id>/again": INSTRUCTORS,
    "GET /admin/platforms": ADMIN,
    "POST /admin/platforms": ADMIN,
    "POST /admin/platforms/link": ADMIN,
    "POST /admin/platforms/key": ADMIN,
    "POST /admin/platforms/<int:platform_id>/allow": ADMIN,
    "POST /admin/platforms/<int:platform_id>/trust": ADMIN,
    "POST /admin/platforms/<int:platform_id>/remove": ADMIN,
    "GET /calendar/<token>.ics": EVERYONE,  # its address is the key
    "GET /badges/<int:assignment_id>/<token>.svg": EVERYONE,
    "GET /invitations/<token>": EVERYONE,
    "POST /invitations/<token>": EVERYONE,
    "GET /api/v1/": EVERYONE,
    "GET /api/v1/docs": EVERYONE,
    "GET /api/v1/openapi.json": EVERYONE,
    "POST /api/v1/tokens": EVERYONE,
    "GET /api/v1/me": SIGNED_IN,
    "GET /api/v1/courses": SIGNED_IN,
    "GET /api/v1/courses/<course>": COURSE,
    "GET /api/v1/courses/<course>/total": {"student", "classmate"},
    "GET /api/v1/courses/<course>/assignments": COURSE,
    "GET /api/v1/courses/<course>/assignments/<assignment>": COURSE,
    "POST /api/v1/courses/<course>/assignments/<assignment>/submissions": COURSE,
    "POST /api/v1/courses/<course>/assignments/<assignment>/look": COURSE,
    "GET /api/v1/courses/<course>/submissions": COURSE,
    "GET /api/v1/courses/<course>/submissions/<public_id>": OWNER,
    "GET /api/v1/courses/<course>/submissions/<public_id>/report": OWNER,
    "GET /api/v1/courses/<course>/people": STAFF,
    "POST /api/v1/courses/<course>/people/match": STAFF,
    "POST /api/v1/courses/<course>/assignments/<assignment>/results/<int:user_id>": INSTRUCTORS,
    "GET /api/v1/courses/<course>/course-systems": STAFF,
    "GET /api/v1/courses/<course>/course-systems/grades": STAFF,
    "GET /api/v1/outbox": ADMIN,
    "GET /api/v1/courses/<course>/grades": STAFF,
    "GET /api/v1/courses/<course>/exports/grades": STAFF,
    "GET /": SIGNED_IN,
    "GET /account": SIGNED_IN,
    "POST /account": SIGNED_IN,
    "POST /account/tokens": SIGNED_IN,
    "POST /account/tokens/<int:token>/revoke": {"student"},
    "POST /logout": SIGNED_IN,
    "GET /admin/users": ADMIN,
    "GET /admin/users/<int:user_id>": ADMIN,
    "GET /admin/users/<int:user_id>/export": ADMIN,
    "POST /admin/users/<int:user_id>/account": ADMIN,
    "POST /admin/users/<int:user_id>/disable": ADMIN,
    "POST /admin/users/<int:user_id>/enable": ADMIN,
    "POST /admin/users/<int:user_id>/delete": ADMIN,
    "GET /courses/<course>/": COURSE,
    "GET /courses/<course>/assignments/<assignment>/": COURSE,
    "POST /courses/<course>/assignments/<assignment>/": COURSE,
    "POST /courses/<course>/assignments/<assignment>/look": COURSE,
    "GET /courses/<course>/assignments/<assignment>/everything.zip": COURSE,
    "POST /courses/<course>/assignments/<assignment>/start": COURSE,
    "POST /courses/<course>/assignments/<assignment>/free-days": COURSE,
    "POST /courses/<course>/assignments/<assignment>/team": COURSE,
    "GET /courses/<course>/staff/assignments/<assignment>/teams": STAFF,
    "POST /courses/<course>/staff/assignments/<assignment>/teams": INSTRUCTORS,
    "POST /courses/<course>/assignments/<assignment>/check": COURSE,
    "GET /courses/<course>/checks/<check>/": {"student"},
    "GET /courses/<course>/checks/<check>/status": {"student"},
    "GET /courses/<course>/assignments/<assignment>/compare": COURSE,
    "GET /courses/<course>/assignments/<assignment>/fastest": COURSE,
    "POST /courses/<course>/assignments/<assignment>/fastest": COURSE,
    "POST /courses/<course>/assignments/<assignment>/parts/<part>/": COURSE,
    "GET /courses/<course>/answers/<answer>/image": OWNER,
    "GET /courses/<course>/submissions/<public_id>/": OWNER,
    "GET /courses/<course>/submissions/<public_id>/file": OWNER,
    "GET /courses/<course>/submissions/<public_id>/status": OWNER,
    "GET /courses/<course>/staff/": STAFF,
    "GET /courses/<course>/staff/people": STAFF,
    "POST /courses/<course>/staff/people/import": INSTRUCTORS,
    "POST /courses/<course>/staff/people/import/apply": INSTRUCTORS,
    "POST /courses/<course>/staff/people/<int:user_id>/leave": INSTRUCTORS,
    "POST /courses/<course>/staff/people/<int:user_id>/return": INSTRUCTORS,
    "POST /courses/<course>/staff/people/links": INSTRUCTORS,
    "POST /courses/<course>/staff/people/<int:user_id>/role": INSTRUCTORS,
    "GET /courses/<course>/staff/assignments/<assignment>/": STAFF,
    "POST /courses/<course>/staff/assignments/<assignment>/publish": INSTRUCTORS,
    "GET /courses/<course>/staff/assignments/<assignment>/by-hand/": STAFF,
    "GET /courses/<course>/staff/assignments/<assignment>/by-hand/<part>/": STAFF,
    "GET /courses/<course>/staff/assignments/<assignment>/by-hand/<part>/<answer>": STAFF,
    "POST /courses/<course>/staff/assignments/<assignment>/by-hand/<part>/<answer>": STAFF,
    "POST /courses/<course>/staff/assignments/<assignment>/by-hand/<part>/rubric/<int:item_id>": (
        STAFF
    ),
    "GET /courses/<course>/staff/assignments/<assignment>/edit": INSTRUCTORS,
    "POST /courses/<course>/staff/assignments/<assignment>/edit": INSTRUCTORS,
    "POST /courses/<course>/staff/assignments/<assignment>/remove": INSTRUCTORS,
    "GET /courses/<course>/staff/course": INSTRUCTORS,
    "POST /courses/<course>/staff/course": INSTRUCTORS,
    "POST /courses/<course>/staff/order": INSTRUCTORS,
    "GET /courses/<course>/staff/course.toml": INSTRUCTORS,
    "GET /courses/<course>/staff/new-assignment": INSTRUCTORS,
    "POST /courses/<course>/staff/new-assignment": INSTRUCTORS,
    "GET /courses/<course>/staff/copy": INSTRUCTORS,
    "POST /courses/<course>/staff/copy": INSTRUCTORS,
    "GET /courses/<course>/staff/extensions": INSTRUCTORS,
    "POST /courses/<course>/staff/extensions": INSTRUCTORS,
    "POST /courses/<course>/staff/people/<int:user_id>/section": INSTRUCTORS,
    "GET /new-course": {"instructor", "admin", "outsider"},
    "POST /new-course": {"instructor", "admin", "outsider"},
    "GET /courses/<course>/staff/gradebook": STAFF,
    "GET /courses/<course>/staff/students/<int:user_id>/": STAFF,
    "POST /courses/<course>/staff/students/<int:user_id>/extensions/<assignment>": INSTRUCTORS,
    "POST /courses/<course>/staff/students/<int:user_id>/adjustments/<assignment>": INSTRUCTORS,
    "GET /courses/<course>/staff/submissions": STAFF,
    "POST /courses/<course>/staff/submissions": STAFF,
    "GET /courses/<course>/staff/submissions/<public_id>/": STAFF,
    "POST /courses/<course>/staff/submissions/<public_id>/comments": STAFF,
    "POST /courses/<course>/staff/submissions/<public_id>/again": STAFF,
    "POST /courses/<course>/staff/submissions/<public_id>/points": INSTRUCTORS,
    "POST /courses/<course>/staff/submissions/<public_id>/done": STAFF,
    "GET /courses/<course>/staff/announcements": STAFF,
    "POST /courses/<course>/staff/announcements": STAFF,
    "GET /courses/<course>/staff/announcements/<int:announcement_id>": STAFF,
    "POST /courses/<course>/staff/announcements/<int:announcement_id>": STAFF,
    "POST /courses/<course>/staff/announcements/<int:announcement_id>/withdraw": STAFF,
    "GET /courses/<course>/staff/questions": STAFF,
    "POST /courses/<course>/staff/questions/<int:question_id>": STAFF,
    "POST /courses/<course>/submissions/<public_id>/questions": {"student"},
    "POST /courses/<course>/staff/saved/<int:saved_id>/remove": {
        "admin"
    },  # gone for who asks later
    "GET /courses/<course>/staff/regrades": STAFF,
    "POST /courses/<course>/staff/regrades": STAFF,
    "GET /courses/<course>/staff/regrades/<int:regrade_id>/": STAFF,
    "GET /courses/<course>/staff/regrades/<int:regrade_id>/status": STAFF,
    "POST /courses/<course>/staff/regrades/<int:regrade_id>/apply": INSTRUCTORS,
    "POST /courses/<course>/staff/regrades/<int:regrade_id>/discard": INSTRUCTORS,
    "POST /courses/<course>/staff/students/<int:user_id>/see": STAFF,
    "POST /courses/<course>/staff/unsee": STAFF,
    "GET /courses/<course>/staff/assignments/<assignment>/statistics": STAFF,
    "GET /courses/<course>/staff/assignments/<assignment>/similarity": INSTRUCTORS,
    "POST /courses/<course>/staff/assignments/<assignment>/similarity": INSTRUCTORS,
    "GET /courses/<course>/staff/assignments/<assignment>/similarity/status": INSTRUCTORS,
    "GET /courses/<course>/staff/similarity/<int:pair_id>/": INSTRUCTORS,
    "POST /courses/<course>/staff/similarity/<int:pair_id>/": INSTRUCTORS,
    "GET /courses/<course>/staff/log": INSTRUCTORS,
    "GET /courses/<course>/staff/exports": STAFF,
    "GET /courses/<course>/staff/exports/grades.csv": STAFF,
    "GET /courses/<course>/staff/exports/grades.json": STAFF,
    "GET /courses/<course>/staff/exports/moodle.csv": STAFF,
    "POST /courses/<course>/staff/exports/canvas": STAFF,
}


LMS = ("platform_id", "context_id", "sent_id")
# What other sites and mail programs send, without a session: it is signed, and holds once.
SIGNED = {
    "POST /mail/<token>",
    "POST /lti/login",
    "POST /lti/launch",
    "POST /lti/finish",
    "POST /lti/enter",
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

    def ask(self, name: str, route: str, values: dict[str, str]) -> TestResponse:
        """As a browser, or with a token and no session where programs ask."""
        method, address = route.split(" ")[0], path(route, values)
        if not for_programs(route):
            return self.client(name).open(address, method=method)
        headers = {}
        if name != NOBODY:
            headers = {"Authorization": f"Bearer {self.house.token(name, *Scope)}"}
        sent = {"file": (BytesIO(b"x = 1"), "x.py")} if method == "POST" else None
        if sent and "/results/" in route:
            sent["report"] = (BytesIO(b"{}"), "report.json")
        return self.app.test_client().open(address, method=method, headers=headers, data=sent)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    house = make_house(tmp_path_factory.mktemp("access"))
    with oidc_provider_mock.run_server_in_thread() as provider:
        issuer = f"http://localhost:{provider.server_port}"
        yield from _place(house, issuer)


def _place(house: House, issuer: str) -> Iterator[Place]:
    house.configure_provider(issuer)
    house.configure_mail(25)
    app = make_app(house)
    app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    student = house.user("student")
    house.token("student")
    graded = house.graded()
    foreign = house.accept(user="outsider", assignment="elsewhere", course="other")
    house.grade_all()
    here = {
        "filename": "gradmark.css",
        "course": "dl",
        "assignment": "norm",
        "public_id": graded,
        "check": house.check(),
        "regrade_id": str(house.regrade()),
        "pair_id": str(house.pair(graded, graded)),
        "saved_id": str(house.saved()),
        "question_id": str(house.question(graded)),
        "announcement_id": str(house.announcement()),
        "token": "1",  # the student's
        "assignment_id": "1",
        **dict(zip(LMS, house.course_system(), strict=True)),
        "row_id": str(house.outgoing("student")),
        "provider": "mock",
        "identity": str(house.identity("student", issuer)),
        "user_id": str(student.id),
        **asked(house, "norm"),
    }
    elsewhere = {
        "assignment": "elsewhere",
        "public_id": foreign,
        "check": house.check("outsider", "elsewhere", "other"),
        "regrade_id": str(house.regrade(assignment="elsewhere", course="other")),
        "pair_id": str(house.pair(foreign, foreign)),
        "saved_id": str(house.saved("other")),
        "question_id": str(house.question(foreign)),
        "announcement_id": str(house.announcement("other")),
        "user_id": str(house.user("outsider").id),
        **asked(house, "elsewhere", "other", "outsider"),
        **dict(zip(LMS[1:], house.course_system("other", "elsewhere")[1:], strict=True)),
    }
    yield Place(house, app, here, elsewhere)
    house.database.close()


def asked(
    house: House, assignment: str, course: str = "dl", user: str = "student"
) -> dict[str, str]:
    """The names of a part that people mark, and of an image that answers it."""
    slug = f"plot-of-{course}"
    with house.database.write() as session:
        row = session.get_one(Assignment, house.assignment(assignment, course).id)
        row.hand_points = 1.0
        part = Part(
            assignment_id=row.id,
            position=0,
            slug=slug,
            kind=PartKind.IMAGE,
            title="Plot",
            prompt="Plot it.",
            points=1.0,
        )
        session.add(part)
        session.flush()
        picture = answers.Picture(b"pixels", "image/png", 1, 1)
        who = house.user(user).id
        answer = answers.write(session, part, who, picture=picture, at=house.clock())
        assert answer is not None
        item = RubricItem(part_id=part.id, position=0, text="Axes", points=1.0)
        session.add(item)
        session.flush()
        return {"part": slug, "answer": answer.public_id, "item_id": str(item.id)}


def routes(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def for_programs(route: str) -> bool:
    return " /api/" in route and TABLE[route] != EVERYONE


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
    got = {}
    for name in sorted(EVERYONE):
        response = place.ask(name, route, place.here)
        sent_to_login = response.status_code == 302 and "/login" in response.headers["Location"]
        got[name] = "login" if sent_to_login else response.status_code
        assert response.status_code < 500
    let_in = {name for name, code in got.items() if code not in ("login", 401, 403, 404)}
    assert let_in == TABLE[route], got
    if NOBODY not in TABLE[route]:
        assert got[NOBODY] == (401 if for_programs(route) else "login")
    if "<course>" in route:
        assert got[OUTSIDER] == 404  # not even that there is such a course


@pytest.mark.parametrize(
    ("route", "name"),
    [
        (route, name)
        for route in TABLE
        for name in (
            "assignment",
            "public_id",
            "user_id",
            "regrade_id",
            "pair_id",
            "saved_id",
            "question_id",
            "announcement_id",
            "context_id",
            "sent_id",
            "part",
            "answer",
            "item_id",
        )
        if f"{name}>" in route and "<course>" in route
    ],
)
def test_what_belongs_to_another_course_is_not_found_here(
    place: Place, route: str, name: str
) -> None:
    for visitor in sorted(COURSE & (TABLE[route] | {"classmate"})):
        response = place.ask(visitor, route, place.here | {name: place.elsewhere[name]})
        forbidden = visitor not in TABLE[route] and response.status_code == 403
        assert forbidden or response.status_code == 404, visitor


@pytest.mark.parametrize("route", [route for route in TABLE if for_programs(route)])
def test_a_program_needs_a_token_for_just_this(place: Place, route: str) -> None:
    method, address = route.split(" ")[0], path(route, place.here)
    assert place.client("admin").open(address, method=method).status_code == 401  # a session
    endpoint, _ = place.app.url_map.bind("localhost").match(address, method)
    wanted = needed_scope(place.app.view_functions[endpoint])
    for scope in Scope:
        token = place.house.token("admin", scope)
        headers = {"Authorization": f"Bearer {token}"}
        answer = place.app.test_client().open(address, method=method, headers=headers)
        assert (answer.status_code == 403) == (scope is not wanted), scope


def test_every_form_wants_its_token(place: Place, tmp_path: Path) -> None:
    app = create_app(place.house.config, engines.ENGINE, place.house.clock)
    client = place.house.log_in(app.test_client(), "admin")
    for route in TABLE:
        if route.startswith("POST ") and "/api/" not in route and route not in SIGNED:
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


WEB = Path(app_module.__file__).parent
FIELDS = sorted(
    {
        name
        for page in (WEB / "templates").rglob("*.html")
        for name in re.findall(
            r'<(?:input|textarea|select|button)[^>]* name="([\w-]+)"', page.read_text()
        )
    }
    | {"email", "password", "code", "state", "id_token", "client_id"}
)
FORMS = [route for route in TABLE if route.startswith("POST ") and not for_programs(route)]


def no_form(kind: str) -> dict[str, object]:
    """What a form's handler may be sent in a form's place."""
    if kind == "files":  # where text is expected
        return {"data": {name: (BytesIO(b"a\0b"), "x\0\u202e") for name in FIELDS}}
    if kind == "halves":
        encoded = "&".join(f"{name}=%ED%A0%80%00%FF" for name in FIELDS)
        return {"data": encoded, "content_type": "application/x-www-form-urlencoded"}
    if kind == "lists":
        return {"json": [dict.fromkeys(FIELDS)]}
    if kind == "no multipart":
        return {"data": b"--x\r\n\r\n", "content_type": "multipart/form-data; boundary=x"}
    return {"json": {name: {"a": [1]} for name in FIELDS}}


@pytest.mark.parametrize("kind", ["objects", "lists", "files", "halves", "no multipart"])
def test_what_is_no_form_breaks_nothing(place: Place, kind: str) -> None:
    assert len(FIELDS) > 30
    for route in FORMS:
        if route != "POST /logout":
            visitor = "instructor" if "instructor" in TABLE[route] else min(TABLE[route])
            address = path(route, place.here)
            assert place.client(visitor).post(address, **no_form(kind)).status_code < 500, route
