"""LTI 1.3, against a course system of our own on another host name (`platform.py`)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from flask.testing import FlaskClient
from jwcrypto import jwk
from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.grade import Grade as TheirGrade
from pylti1p3.message_validators import get_validators
from pylti1p3.names_roles import NamesRolesProvisioningService
from pylti1p3.registration import Registration
from pylti1p3.service_connector import ServiceConnector
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from server.commands.serve import sweep_of
from server.lti import keys, platforms, services
from server.storage.models import (
    AuditEntry,
    Deployment,
    Enrolment,
    LtiContext,
    LtiKey,
    LtiLink,
    Platform,
    Role,
    User,
)
from tests.server import engines
from tests.server.conftest import House, make_app, sentence
from tests.server.platform import AGS, CLAIM, CourseSystem, Person, _key, running

TEACHER, PUPIL = "sub-teacher", "sub-pupil"


class Tool:
    """The server under test, on a port of its own so that the platform can read its keys."""

    def __init__(self, house: House, system: CourseSystem) -> None:
        self.house, self.system = house, system
        self.app = make_app(house)
        self.app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True)
        system.tool = f"http://127.0.0.1:{self.server.port}"
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()
        self.sweep = sweep_of(self.app)
        system.people = {
            TEACHER: Person(TEACHER, "Instructor", "instructor@example.org", ("Instructor",)),
            PUPIL: Person(PUPIL, "Pupil One", "pupil@example.org"),
        }

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def register(self, **more: Any) -> int:
        url = self.system.url
        with self.house.database.write() as session:
            said = {
                "title": "Platform",
                "issuer": url,
                "client_id": self.system.client_id,
                "authorization_url": f"{url}/authorize",
                "token_url": f"{url}/token",
                "jwks_url": f"{url}/keys",
                "deployments": [self.system.deployment],
                "trust_addresses": True,
            }
            said |= more
            return platforms.register(session, **said, at=self.house.clock(), actor=None).id

    def connect(self) -> None:
        """The platform's course is "dl"; its link "norm" has a column."""
        self.system.links["norm"] = {
            "custom": {"assignment": "norm"},
            "lineItem": {"label": "norm"},
        }
        answer = self.launch(self.client(), TEACHER, "norm")
        page = answer.get_data(as_text=True)
        assert "Which course is Deep Learning at the platform?" in page
        client = answer.request.environ["test.client"]
        sent = {"launch": hidden(page, "launch"), "course": "dl"}
        assert self.open(client, "/lti/connect", sent).status_code == 303

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def logged_in(self, name: str, client: FlaskClient | None = None) -> FlaskClient:
        """A browser at the tool's address, with a session of somebody's."""
        client = client or self.client()
        with client.session_transaction(base_url=self.system.tool) as session:
            session["_user_id"] = self.house.user(name).session_key
            session["_fresh"] = True
        return client

    def open(
        self, client: FlaskClient, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> TestResponse:
        """As a browser at the tool's address does."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        method = "GET" if form is None else "POST"
        answer = client.open(
            path, method=method, data=form, base_url=self.system.tool, headers=headers
        )
        answer.request.environ["test.client"] = client
        return answer

    def to_platform(
        self, client: FlaskClient, subject: str, link: str, **options: Any
    ) -> dict[str, str]:
        """What the platform has the browser send back."""
        start = self.system.start(link, subject, **options)
        began = self.open(client, start.removeprefix(self.system.tool))
        there = began.headers.get("Location")
        if there is None:
            there = unescape(re.search(r'data-there="([^"]+)"', began.text)[1])  # type: ignore[index]
        page = httpx.get(there)
        assert page.status_code == 200, page.text
        return {name: hidden(page.text, name) for name in ("state", "id_token")}

    def launch(
        self, client: FlaskClient, subject: str, link: str = "norm", **options: Any
    ) -> TestResponse:
        headers = options.pop("headers", {})
        back = self.to_platform(client, subject, link, **options)
        return self.open(client, "/lti/launch", back, **headers)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return unescape(found[1])


@pytest.fixture
def tool(house: House) -> Iterator[Tool]:
    services._tokens.clear()
    keys._fetched.clear()
    with running(CourseSystem()) as system:
        made = Tool(house, system)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def connected(tool: Tool) -> Tool:
    tool.register()
    tool.connect()
    return tool


def place(house: House, email: str) -> Enrolment | None:
    with house.database.read() as session:
        user = session.scalar(select(User).where(User.email == email))
        return user and session.get(Enrolment, (house.course().id, user.id))


def who(tool: Tool, client: FlaskClient) -> str:
    page = tool.open(client, "/account")
    return "" if page.status_code == 302 else page.text


def test_an_instructor_connects_the_course_and_a_student_comes_to_the_assignment(
    connected: Tool,
) -> None:
    client = connected.client()
    answer = connected.launch(client, PUPIL)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/courses/dl/assignments/norm/"
    assert "Pupil One, pupil@example.org" in who(connected, client)
    seat = place(connected.house, "pupil@example.org")
    assert seat is not None
    assert seat.role is Role.STUDENT
    again = connected.client()  # the same person, whatever they are called by now
    connected.system.people[PUPIL] = Person(PUPIL, "Other", "other@example.org")
    connected.launch(again, PUPIL)
    assert "pupil@example.org" in who(connected, again)


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["TeachingAssistant"], Role.ASSISTANT),
        (["Instructor", "TeachingAssistant"], Role.ASSISTANT),
        (["Instructor"], Role.INSTRUCTOR),
        (["Learner"], Role.STUDENT),
        (["Mentor"], None),
    ],
)
def test_the_role_in_the_course_is_the_role_here(
    connected: Tool, roles: list[str], role: Role | None
) -> None:
    connected.system.people["x"] = Person("x", "X", "x@example.org", tuple(roles))
    answer = connected.launch(connected.client(), "x")
    seat = place(connected.house, "x@example.org")
    if role is None:
        assert answer.status_code == 400
        assert seat is None
    else:
        assert seat is not None
        assert seat.role is role


def test_an_administrator_of_the_institution_is_nobody_in_the_course(connected: Tool) -> None:
    system_role = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"
    connected.system.change = {f"{CLAIM}roles": [system_role]}
    assert connected.launch(connected.client(), PUPIL).status_code == 400


def test_no_role_is_lowered_and_nobody_comes_back_by_themselves(connected: Tool) -> None:
    house = connected.house
    connected.system.people["a"] = Person("a", "A", "assistant@example.org", ("Learner",))
    connected.launch(connected.client(), "a")
    seat = place(house, "assistant@example.org")
    assert seat is not None
    assert seat.role is Role.ASSISTANT
    with house.database.write() as session:
        key = (house.course().id, house.user("assistant").id)
        session.get_one(Enrolment, key).left_at = house.clock()
    answer = connected.launch(connected.client(), "a")
    assert answer.status_code == 400
    assert "You have left this course" in sentence(answer)


def test_the_address_of_an_account_opens_it_only_where_an_administrator_says_so(
    tool: Tool,
) -> None:
    tool.register()
    tool.connect()
    with tool.house.database.write() as session:
        session.scalars(select(Platform)).one().trust_addresses = False
    tool.system.people["thief"] = Person("thief", "T", "student@example.org")
    client = tool.client()
    page = tool.launch(client, "thief")
    assert "Which account is yours?" in page.text
    assert not who(tool, client)


def test_an_administrators_account_is_never_opened_by_an_address(connected: Tool) -> None:
    connected.system.people["boss"] = Person("boss", "B", "admin@example.org", ("Instructor",))
    client = connected.client()
    assert "Which account is yours?" in connected.launch(client, "boss").text
    assert not who(connected, client)


def test_one_links_the_account_oneself_by_its_password(tool: Tool) -> None:
    tool.register(trust_addresses=False)
    client = tool.client()
    page = tool.launch(client, TEACHER)
    assert "Which account is yours?" in page.text
    login = unescape(re.search(r'class="button" href="(/login[^"]+)"', page.text)[1])  # type: ignore[index]
    waiting = parse_qs(urlsplit(login).query)["next"][0]
    tool.logged_in("instructor", client)
    asked = tool.open(client, waiting)
    assert "Let Platform open your account" in asked.text
    stranger = tool.logged_in("classmate")  # somebody who was sent the address
    assert tool.open(stranger, waiting).status_code == 400
    token = hidden(asked.text, "launch")
    assert tool.open(stranger, "/lti/connect", {"launch": token}).status_code == 400
    offered = tool.open(client, "/lti/connect", {"launch": token})
    assert "Which course is" in offered.text
    other = {"launch": hidden(offered.text, "launch"), "course": "other"}
    assert tool.open(client, "/lti/connect", other).status_code == 400  # not theirs
    done = tool.open(client, "/lti/connect", other | {"course": "dl"})
    assert done.status_code == 303
    fresh = tool.client()
    tool.launch(fresh, TEACHER)
    assert "instructor@example.org" in who(tool, fresh)
    with tool.house.database.read() as session:
        assert "course.connected" in session.scalars(select(AuditEntry.action)).all()


def test_before_it_is_connected_students_are_told_who_does_it(tool: Tool) -> None:
    tool.register()
    answer = tool.launch(tool.client(), PUPIL)
    assert answer.status_code == 400
    assert "those who teach it do that" in sentence(answer)


def test_who_has_no_address_gets_an_account_all_the_same(connected: Tool) -> None:
    """As the student of Canvas's own view for teachers."""
    connected.system.people["test"] = Person("test", "Test Student")
    client = connected.client()
    assert connected.launch(client, "test").status_code == 303
    assert "lti.invalid" in who(connected, client)


NOW = int(time.time())
FORGED = {
    "another issuer": {"iss": "https://evil.example.org"},
    "for another client": {"aud": "client-2"},
    "another party": {"azp": "client-2"},
    "several, and no party": {"aud": ["client-1", "client-2"]},
    "expired": {"exp": NOW - 3600},
    "made long ago": {"iat": NOW - 7200},
    "made tomorrow": {"iat": NOW + 86400},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "another version": {f"{CLAIM}version": "1.1"},
    "another kind": {f"{CLAIM}message_type": "LtiSubmissionReviewRequest"},
    "nobody": {"sub": None},
    "a number": {"sub": 7},
    "no deployment": {f"{CLAIM}deployment_id": None},
    "another deployment": {f"{CLAIM}deployment_id": "deployment-2"},
    "another server": {f"{CLAIM}target_link_uri": "https://evil.example.org/lti/launch"},
    "no link": {f"{CLAIM}resource_link": None},
    "half a character": {"sub": "\ud800"},
    "half a name": {"name": "\ud800"},
    "a NUL": {f"{CLAIM}context": {"id": "a\0b"}},
    "times that are none": {"exp": "soon", "iat": True},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_launch_that_does_not_hold_is_one_sentence_and_a_line_without_names(
    connected: Tool, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    connected.system.change = dict(FORGED[name])
    client = connected.client()
    answer = connected.launch(client, PUPIL)
    assert answer.status_code == 400
    assert sentence(answer).endswith(".")
    assert not who(connected, client)
    logged = [str(vars(r)) for r in caplog.records if r.name.startswith("server")]
    assert any("refused" in line and "reason" in line for line in logged)
    assert not any(word in line for line in logged for word in ("pupil", "Pupil One", PUPIL))


def test_a_launch_holds_once_and_in_the_browser_that_asked(connected: Tool) -> None:
    client, other = connected.client(), connected.client()
    back = connected.to_platform(client, PUPIL, "norm")
    stolen = connected.open(other, "/lti/launch", back)
    assert "new tab" in stolen.text  # begins again from the start
    assert not who(connected, other)
    assert connected.open(client, "/lti/launch", back).status_code == 400  # used by now
    back = connected.to_platform(client, PUPIL, "norm")
    assert connected.open(client, "/lti/launch", back).status_code == 303
    assert connected.open(client, "/lti/launch", back).status_code == 400


@pytest.mark.parametrize("how", ["another key", "no key", "none", "hmac", "rubbish", "changed"])
def test_what_the_platform_has_not_signed_is_refused(connected: Tool, how: str) -> None:
    client, system = connected.client(), connected.system
    back = connected.to_platform(client, PUPIL, "norm")
    claims = jwt.decode(back["id_token"], options={"verify_signature": False})
    public = system.keys[-1].export_to_pem()
    forged = _key()
    forged_like = type(forged).from_json(forged.export())
    token = {
        "another key": lambda: system.sign(claims, forged),
        "no key": lambda: jwt.encode(claims, forged_like.export_to_pem(True, None), "RS256"),
        "none": lambda: jwt.encode(claims, None, "none", {"kid": system.keys[-1]["kid"]}),
        "hmac": lambda: jwt.api_jws.encode(b"{}", b"k" * 32, "HS256") + str(public)[:0],
        "rubbish": lambda: "a.b.c",
        "changed": lambda: back["id_token"][:-8] + "AAAAAAAA",
    }[how]()
    answer = connected.open(client, "/lti/launch", back | {"id_token": token})
    assert answer.status_code == 400
    assert not who(connected, client)


def test_an_old_or_changed_state_is_refused(connected: Tool) -> None:
    client = connected.client()
    back = connected.to_platform(client, PUPIL, "norm")
    for state in ("", "x", back["state"][:-3] + "xyz"):
        answer = connected.open(client, "/lti/launch", back | {"state": state})
        assert answer.status_code == 400


def test_the_platforms_keys_may_change(connected: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_AGAIN", 0.0)
    connected.system.keys.append(_key())
    assert connected.launch(connected.client(), PUPIL).status_code == 303
    connected.system.keys.pop(0)
    assert connected.launch(connected.client(), PUPIL).status_code == 303


def test_an_unknown_deployment_is_for_an_administrator_to_allow(connected: Tool) -> None:
    connected.system.deployment = "deployment-2"
    answer = connected.launch(connected.client(), TEACHER)
    assert "does not know this deployment" in sentence(answer)
    with connected.house.database.read() as session:
        row = session.scalars(select(Deployment).where(~Deployment.allowed)).one()
    assert row.deployment_id == "deployment-2"
    admin = connected.house.log_in(connected.client(), "admin")
    page = f"/admin/platforms/{row.platform_id}/allow"
    admin.post(page, data={"deployment": "deployment-2"})
    assert "Which course is" in connected.launch(connected.client(), TEACHER).text


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example.org"},
        {"client_id": "client-2"},
        {"login_hint": ""},
        {"target_link_uri": "https://evil.example.org/"},
    ],
    ids=str,
)
def test_a_login_from_elsewhere_leads_nowhere(connected: Tool, change: dict[str, str]) -> None:
    start = urlsplit(connected.system.start("norm", PUPIL))
    said = {name: values[0] for name, values in parse_qs(start.query).items()} | change
    answer = connected.open(connected.client(), start.path, said)
    assert answer.status_code == 400


def test_only_a_launch_into_a_frame_opens_pages_to_that_platforms_frames(connected: Tool) -> None:
    inside, outside = connected.client(), connected.client()
    first = connected.launch(inside, PUPIL, headers={"Sec_Fetch_Dest": "iframe"})
    connected.launch(outside, PUPIL)
    cookie = next(c for c in first.headers.getlist("Set-Cookie") if c.startswith("gradmark="))
    assert {"Secure", "Partitioned", "SameSite=None"} <= {p.strip() for p in cookie.split(";")}
    framed = connected.open(inside, "/courses/dl/")
    policy = framed.headers["Content-Security-Policy"]
    assert f"frame-ancestors {connected.system.url};" in policy + ";"
    assert "X-Frame-Options" not in framed.headers
    for page in (connected.open(outside, "/courses/dl/"), connected.open(inside, "/static/lti.js")):
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"
    with connected.house.database.write() as session:
        admin = session.get_one(User, connected.house.user("admin").id)
        platforms.remove(
            session, session.scalars(select(Platform)).one(), at=admin.created_at, actor=admin
        )
    gone = connected.open(inside, "/courses/dl/")
    assert "frame-ancestors 'none'" in gone.headers["Content-Security-Policy"]


def test_a_ticket_into_a_tab_holds_once_and_from_our_own_page(connected: Tool) -> None:
    answer = connected.launch(connected.client(), PUPIL, headers={"Sec_Fetch_Dest": "iframe"})
    nothing_kept = connected.client()
    page = connected.open(nothing_kept, answer.headers["Location"])
    sent = {"ticket": hidden(page.text, "ticket")}
    tab, tool = connected.client(), connected.system.tool
    assert connected.open(tab, "/lti/enter", sent, Origin="https://evil.org").status_code == 400
    entered = connected.open(tab, "/lti/enter", sent, Origin=tool)
    assert entered.headers["Location"] == "/courses/dl/assignments/norm/"
    assert "pupil@example.org" in who(connected, tab)
    again = connected.client()
    assert connected.open(again, "/lti/enter", sent, Origin=tool).status_code == 400
    assert not who(connected, again)


def test_the_platforms_storage_proves_the_browser(connected: Tool) -> None:
    client = connected.client()
    start = connected.system.start("norm", PUPIL, storage=True)
    began = connected.open(client, start.removeprefix(connected.system.tool))
    secret = re.search(r'data-value="([^"]+)"', began.text)[1]  # type: ignore[index]
    there = unescape(re.search(r'data-there="([^"]+)"', began.text)[1])  # type: ignore[index]
    page = httpx.get(there).text
    back = {name: hidden(page, name) for name in ("state", "id_token")}
    no_cookies = connected.client()
    asked = connected.open(no_cookies, "/lti/launch", back)
    assert 'data-action="get"' in asked.text
    state = hidden(asked.text, "state")
    wrong = connected.open(no_cookies, "/lti/finish", {"state": state, "value": "x"})
    assert wrong.status_code == 400
    right = connected.open(no_cookies, "/lti/finish", {"state": state, "value": secret})
    assert right.status_code == 303
    again = connected.open(connected.client(), "/lti/finish", {"state": state, "value": secret})
    assert again.status_code == 400


def test_deep_linking_puts_assignments_with_their_columns_into_the_course(connected: Tool) -> None:
    client = connected.client()
    answer = connected.launch(client, TEACHER, "none", kind="deep")
    where = answer.headers["Location"]
    page = connected.open(client, where)
    sent = {"launch": hidden(page.text, "launch"), "assignment": ["norm", "losses"]}
    chosen = connected.open(client, urlsplit(where).path, sent)  # type: ignore[arg-type]
    policy = chosen.headers["Content-Security-Policy"]
    assert f"form-action 'self' {connected.system.url};" in policy
    token = hidden(chosen.text, "JWT")
    back = httpx.post(f"{connected.system.url}/deep", data={"JWT": token})
    assert back.status_code == 200, back.text
    item = connected.system.links["losses"]
    assert item["lineItem"] == {"label": "Losses", "scoreMaximum": 10, "resourceId": "losses"}
    assert (
        connected.launch(connected.client(), PUPIL, "losses")
        .headers["Location"]
        .endswith("/losses/")
    )


def test_students_choose_no_links(connected: Tool) -> None:
    client = connected.client()
    answer = connected.launch(client, PUPIL, "none", kind="deep")
    assert connected.open(client, answer.headers["Location"]).status_code == 403


def test_the_roster_is_a_proposal_over_all_pages(connected: Tool) -> None:
    people = connected.system.people
    people |= {f"s{n}": Person(f"s{n}", f"Student {n}", f"s{n}@example.org") for n in range(5)} | {
        "gone": Person("gone", "Gone", "gone@example.org", status="Inactive"),
        "silent": Person("silent", "Without Address"),
        "watcher": Person("watcher", "Watcher", "watcher@example.org", ("Mentor",)),
        "ta": Person("ta", "T A", "ta@example.org", ("TeachingAssistant",)),
    }
    client = connected.house.log_in(connected.client(), "instructor")
    with connected.house.database.read() as session:
        number = session.scalars(select(LtiContext.id)).one()
    page = client.post(f"/courses/dl/staff/lms/{number}/roster").text
    assert "Nothing is changed yet" in page
    for name in ("s0", "s4", "ta", "pupil"):
        assert f"{name}@example.org" in page
    assert "gone@example.org" not in page
    assert "watcher@example.org" not in page
    keys_ = re.findall(r'name="change" value="([^"]+)" checked', page)
    sent = {
        "roster": hidden(page, "roster"),
        "fingerprint": hidden(page, "fingerprint"),
        "change": keys_,
    }
    assert client.post("/courses/dl/staff/people/import/apply", data=sent).status_code == 303
    seat = place(connected.house, "ta@example.org")
    assert seat is not None
    assert seat.role is Role.ASSISTANT


def graded(tool: Tool, points: float) -> None:
    """The student hands in something that is worth so many of the ten points."""
    tool.house.clock.advance(1)
    tool.house.accept(user="pupil")
    tool.house.grade_all(lambda rules, topic, *_: engines.report(topic, score=2 * points))


def test_the_latest_grade_reaches_the_column_and_no_other_one(connected: Tool) -> None:
    connected.launch(connected.client(), PUPIL)
    graded(connected, 6.0)
    graded(connected, 8.0)
    assert connected.sweep() == 1
    (score,) = connected.system.sent
    assert score["userId"] == PUPIL
    assert score["scoreGiven"] / score["scoreMaximum"] == pytest.approx(8 / 10)
    assert score["gradingProgress"] == "FullyGraded"
    assert connected.sweep() == 0
    assert connected.system.token_requests == 1
    graded(connected, 10.0)
    assert connected.sweep() == 1
    assert connected.system.token_requests == 1  # the token is kept
    assert connected.system.scores["norm"][PUPIL]["scoreGiven"] == 10


def test_a_grade_from_before_the_course_system_goes_there_with_the_first_launch(
    tool: Tool,
) -> None:
    tool.register()
    tool.house.student("pupil")
    tool.house.accept(user="pupil")
    tool.house.grade_all()
    tool.connect()
    assert tool.sweep() == 0  # nobody knows them there yet
    tool.launch(tool.client(), PUPIL)
    assert tool.sweep() == 1


@pytest.mark.parametrize("status", [429, 500, 503, 403])
def test_a_fault_over_there_is_tried_again_after_a_restart(connected: Tool, status: int) -> None:
    connected.launch(connected.client(), PUPIL)
    graded(connected, 5.0)
    connected.system.answers = [status]
    assert connected.sweep() == 0
    page = connected.house.log_in(connected.client(), "assistant").get("/courses/dl/staff/lms").text
    assert f"The course system answers {status}." in page
    assert "is tried again in" in page
    connected.sweep = sweep_of(connected.app)  # the server was restarted
    connected.house.clock.advance(61)
    assert connected.sweep() == 1
    assert connected.system.scores["norm"][PUPIL]["scoreGiven"] == pytest.approx(5)


def test_a_refused_token_is_asked_for_anew(connected: Tool) -> None:
    connected.launch(connected.client(), PUPIL)
    graded(connected, 5.0)
    connected.sweep()
    connected.system.tokens.clear()
    graded(connected, 9.0)
    assert connected.sweep() == 1


def test_what_is_refused_is_on_the_staffs_page_until_it_is_sent(connected: Tool) -> None:
    connected.launch(connected.client(), PUPIL)
    connected.system.people[PUPIL].roles = ("Mentor",)  # not gradable any more
    graded(connected, 5.0)
    assert connected.sweep() == 0
    client = connected.house.log_in(connected.client(), "instructor")
    page = client.get("/courses/dl/staff/lms").text
    assert "The course system answers 400." in page
    again = re.search(r'action="(/courses/dl/staff/lms/grades/\d+/again)"', page)
    assert again
    connected.system.people[PUPIL].roles = ("Learner",)
    assert client.post(again[1]).status_code == 303
    assert connected.sweep() == 1
    assert "answers 400" not in client.get("/courses/dl/staff/lms").text


def test_staff_who_hand_in_are_no_concern_of_the_course_system(connected: Tool) -> None:
    connected.house.accept(user="instructor")
    connected.house.grade_all()
    connected.sweep()
    assert connected.system.sent == []


def test_our_key_may_change(connected: Tool) -> None:
    connected.launch(connected.client(), PUPIL)
    graded(connected, 5.0)
    connected.sweep()
    before = connected.open(connected.client(), "/lti/keys").json
    admin = connected.house.log_in(connected.client(), "admin")
    admin.post("/admin/platforms/key")
    after = connected.open(connected.client(), "/lti/keys").json
    assert before is not None
    assert after is not None
    assert len(after["keys"]) == 2
    assert before["keys"][0] in after["keys"]  # what was signed by it still holds
    assert not {"d", "p", "q"} & set(after["keys"][0])
    services._tokens.clear()
    graded(connected, 9.0)
    assert connected.sweep() == 1
    with connected.house.database.write() as session:
        keys.rotate(session, connected.house.clock() + timedelta(days=31))
        assert len(session.scalars(select(LtiKey)).all()) == 1


def test_dynamic_registration_by_an_address_that_holds_once(tool: Tool) -> None:
    admin = tool.logged_in("admin")
    page = tool.open(admin, "/admin/platforms/link", {}).text
    link = re.search(r'class="code once">([^<]+)<', page)
    assert link
    path = unescape(link[1]).removeprefix(tool.system.tool)
    query = f"?openid_configuration={tool.system.url}/configuration&registration_token=once"
    assert tool.open(tool.client(), path + "x" + query).status_code == 400
    done = tool.open(tool.client(), path + query)
    assert "know one another" in done.text
    assert tool.system.registered["client_name"] == "Gradmark"
    assert tool.open(tool.client(), path + query).status_code == 400
    with tool.house.database.write() as session:
        session.scalars(select(Platform)).one().trust_addresses = True
    tool.connect()
    assert tool.launch(tool.client(), PUPIL).status_code == 303


def test_disconnecting_ends_it_and_keeps_who_is_here(connected: Tool) -> None:
    connected.launch(connected.client(), PUPIL)
    with connected.house.database.read() as session:
        number = session.scalars(select(LtiContext.id)).one()
    client = connected.house.log_in(connected.client(), "instructor")
    assert client.post(f"/courses/dl/staff/lms/{number}/disconnect").status_code == 303
    graded(connected, 5.0)
    assert connected.sweep() == 0
    assert place(connected.house, "pupil@example.org") is not None
    with connected.house.database.read() as session:
        assert session.scalars(select(LtiLink)).all() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"issuer": "http://platform.example.org"}, "issuer is no https"),
        ({"token_url": "javascript:alert(1)"}, "token_url is no https"),
        ({"client_id": ""}, "client_id is missing"),
        ({"frames": "https://a.example.org/path"}, "is no origin"),
        ({"frames": "https://*"}, "is no origin"),
        ({"frames": "https://*.org"}, "is no origin"),
        ({"frames": "https://a.example.org;script-src"}, "is no origin"),
    ],
    ids=str,
)
def test_a_wrong_registration_is_one_sentence(
    house: House, change: dict[str, str], says: str
) -> None:
    app = make_app(house)
    app.config["WTF_CSRF_ENABLED"] = False
    url = "https://platform.example.org"
    form = {
        "title": "P",
        "issuer": url,
        "client_id": "c",
        "authorization_url": f"{url}/a",
        "token_url": f"{url}/t",
        "jwks_url": f"{url}/k",
    }
    answer = house.log_in(app.test_client(), "admin").post("/admin/platforms", data=form | change)
    assert answer.status_code == 422
    assert says in sentence(answer)


def test_an_independent_library_agrees_with_both_sides(connected: Tool) -> None:
    """pylti1p3, as a tool of the platform with this server's key: it takes the messages that the
    platform sends us for right, and what it sends and reads is what we send and read."""
    connected.launch(connected.client(), PUPIL)
    graded(connected, 7.0)
    connected.sweep()
    system = connected.system
    ours = {n: v for n, v in system.sent[-1].items() if n not in ("link", "timestamp")}
    for kind in ("", "deep"):
        token = system.message("norm", PUPIL, "n", kind)
        body = system_claims(token, system)
        (validator,) = [v for v in get_validators() if v.can_validate(body)]
        assert validator.validate(body)
    with connected.house.database.read() as session:
        key = session.scalars(select(LtiKey)).one()
    registration = (
        Registration()
        .set_issuer(system.url)
        .set_client_id(system.client_id)
        .set_auth_token_url(f"{system.url}/token")
        .set_key_set_url(f"{system.url}/keys")
        .set_tool_private_key(key.private)
        .set_tool_public_key(_public(key))
    )
    connector = Theirs(registration, key.kid)
    endpoint = system_claims(system.message("norm", PUPIL, "n"), system)[f"{AGS}claim/endpoint"]
    grade = (
        TheirGrade()
        .set_score_given(7.0)
        .set_score_maximum(10.0)
        .set_timestamp("2999-01-01T00:00:00.000000+00:00")
        .set_activity_progress("Completed")
        .set_grading_progress("FullyGraded")
        .set_user_id(PUPIL)
    )
    AssignmentsGradesService(connector, endpoint).put_grade(grade)
    theirs = {n: v for n, v in system.sent[-1].items() if n not in ("link", "timestamp")}
    assert theirs == ours
    names = NamesRolesProvisioningService(
        connector, {"context_memberships_url": f"{system.url}/members?course=1"}
    )
    with connected.house.database.read() as session:
        platform = session.scalars(select(Platform)).one()
    client = services.Client(connected.house.database, platform, connected.house.clock)
    url = f"{system.url}/members?course=1"
    assert {m.subject for m in client.members(url)} == {m["user_id"] for m in names.get_members()}


class Theirs(ServiceConnector):
    """Keeps no token, and names its key as we do."""

    def __init__(self, registration: Registration, kid: str) -> None:
        registration.get_kid = lambda: kid  # type: ignore[method-assign]
        super().__init__(registration)

    def _get_cached_access_token(self, scope_key: str) -> None:
        return None

    def _cache_access_token(self, scope_key: str, access_token: str, expires_in: float) -> None:
        pass


def system_claims(token: str, system: CourseSystem) -> dict[str, Any]:
    public = system.keys[-1].export_to_pem()
    found: dict[str, Any] = jwt.decode(
        token, public, algorithms=["RS256"], audience=system.client_id
    )
    return found


def _public(key: LtiKey) -> str:
    return str(jwk.JWK.from_pem(key.private.encode()).export_to_pem().decode())
