"""Logging in, invitations, passwords, tokens: through the pages."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.people import accounts, identities, tokens
from server.storage.models import Enrolment, Role, Scope, User
from server.web.auth.sessions import local
from tests.server.conftest import PASSWORD, House


def log_in(
    client: FlaskClient, email: str = "student@example.org", password: str = PASSWORD, to: str = ""
) -> TestResponse:
    query = {"next": to} if to else {}
    form = {"email": email, "password": password}
    return client.post("/login", query_string=query, data=form)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    return app.test_client()


def invitation(house: House, name: str = "new") -> str:
    user = house.student(name)
    with house.database.write() as session:
        invited = session.get_one(User, user.id)
        return accounts.invite(session, invited, at=house.clock(), actor=None)


def test_in_and_out(visitor: FlaskClient) -> None:
    assert visitor.get("/").headers["Location"] == "/login?next=/"
    assert log_in(visitor, "Student@Example.org", to="/account").headers["Location"] == "/account"
    assert "Student" in visitor.get("/account").text
    assert visitor.post("/logout").status_code == 303
    assert visitor.get("/account").status_code == 302


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("student@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("", ""),
        ("x" * 999, "x"),
    ],
)
def test_a_wrong_login_does_not_tell_what_was_wrong(
    visitor: FlaskClient, email: str, password: str
) -> None:
    response = log_in(visitor, email, password)
    assert response.status_code == 422
    if email.endswith("org"):
        assert "The e-mail address or the password is not right." in response.text
    assert visitor.get("/account").status_code == 302


def test_who_is_disabled_is_out_at_once(visitor: FlaskClient, house: House) -> None:
    log_in(visitor)
    with house.database.write() as session:
        session.get_one(User, house.user().id).disabled = True
    assert visitor.get("/account").status_code == 302
    assert log_in(visitor).status_code == 422


def guess(app: Flask, times: int, address: str, **options: Any) -> list[int]:
    """What came of so many wrong passwords from an address."""
    form = {"email": "student@example.org", "password": "a guess"}
    origin = {"REMOTE_ADDR": address}
    guesser = app.test_client()
    return [
        guesser.post("/login", environ_base=origin, **{"data": form, **options}).status_code
        for _ in range(times)
    ]


def test_guessing_is_slowed_down_and_locks_nobody_out(app: Flask, house: House) -> None:
    assert guess(app, 11, "192.0.2.1") == [422] * 10 + [429]
    assert log_in(app.test_client()).status_code == 303  # from elsewhere
    assert log_in(app.test_client(), "classmate@example.org").status_code == 303


def test_guessing_from_many_addresses_is_slowed_down_but_for_browsers_that_are_known(
    app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "check_password", lambda user, sent: sent == PASSWORD)
    own = app.test_client()
    log_in(own)
    own.post("/logout")
    results = [code for at in range(31) for code in guess(app, 10, f"198.51.100.{at}")]
    assert results == [422] * 300 + [429] * 10
    assert log_in(app.test_client()).status_code == 429
    assert log_in(own).status_code == 303
    own.post("/logout")
    assert log_in(own, "classmate@example.org").status_code == 303  # which is another account


@pytest.mark.parametrize(
    "options",
    [
        {"data": None, "json": {"email": "student@example.org", "password": PASSWORD}},
        {"data": {"email": (BytesIO(b"student@example.org"), "a"), "password": PASSWORD}},
        {"data": {"email": "a@b.org", "password": (BytesIO(b"x"), "x")}},
        {"data": None, "json": ["email"]},
    ],
)
def test_a_login_that_is_no_form_is_refused(app: Flask, options: dict[str, Any]) -> None:
    assert guess(app, 1, "192.0.2.1", **options) == [422]


def test_a_login_begins_a_new_session(visitor: FlaskClient) -> None:
    with visitor.session_transaction() as session:
        session["planted"] = "by somebody else"
    log_in(visitor)
    with visitor.session_transaction() as session:
        assert "planted" not in session


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "javascript:alert(1)",
        "/\t/elsewhere.example",
        "elsewhere",
        "",
        None,
    ],
)
def test_a_login_leads_nowhere_else(visitor: FlaskClient, target: str | None) -> None:
    assert local(target) is None
    assert log_in(visitor, to=target or "").headers["Location"] == "/"


def test_a_local_address_is_kept() -> None:
    assert local("/courses/dl/?x=1#y") == "/courses/dl/?x=1#y"


def test_an_invitation_sets_the_password_once(visitor: FlaskClient, house: House) -> None:
    page = f"/invitations/{invitation(house)}"
    assert "new@example.org" in visitor.get(page).text
    assert visitor.post(page, data={"name": "New", "password": "short"}).status_code == 422
    assert visitor.post(page, data={"name": "New", "password": PASSWORD}).status_code == 303
    assert visitor.get("/courses/dl/").status_code == 200
    assert visitor.get(page).status_code == 410
    assert visitor.post(page, data={"name": "New", "password": PASSWORD}).status_code == 410


def test_a_newer_invitation_ends_the_older_and_time_ends_both(
    visitor: FlaskClient, house: House
) -> None:
    older, newer = (f"/invitations/{invitation(house)}" for _ in range(2))
    assert visitor.get(older).status_code == 410
    assert visitor.get(newer).status_code == 200
    house.clock.advance(accounts.INVITATION_LASTS.total_seconds())
    assert visitor.get(newer).status_code == 410


def test_a_new_password_ends_every_other_session(app: Flask, visitor: FlaskClient) -> None:
    other = app.test_client()
    log_in(visitor)
    log_in(other)
    wrong = {"current": "wrong", "password": "another good one"}
    assert "not your current password" in visitor.post("/account", data=wrong).text
    form = {"current": PASSWORD, "password": "another good one"}
    assert visitor.post("/account", data=form).status_code == 303
    assert visitor.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert log_in(other).status_code == 422
    assert log_in(other, password="another good one").status_code == 303


def test_a_new_password_ends_every_token(app: Flask, visitor: FlaskClient, house: House) -> None:
    """Also one that somebody chooses by a link, as after a reset."""
    for change in ("by themselves", "by a link"):
        token = house.token("student", Scope.READ)
        api = {"Authorization": f"Bearer {token}"}
        assert visitor.get("/api/v1/me", headers=api).status_code == 200
        if change == "by a link":
            with house.database.write() as session:
                user = session.get_one(User, house.user().id)
                link = accounts.invite(session, user, at=house.clock(), actor=None)
            form = {"name": "S", "password": PASSWORD}
            assert app.test_client().post(f"/invitations/{link}", data=form).status_code == 303
        else:
            log_in(visitor)
            visitor.post("/account", data={"current": PASSWORD, "password": PASSWORD})
        assert visitor.get("/api/v1/me", headers=api).status_code == 401


@pytest.mark.parametrize(
    "since", ["staff elsewhere", "student elsewhere", "a password", "an identity", "demoted"]
)
def test_a_link_holds_only_while_whoever_made_it_may_make_it(
    visitor: FlaskClient, house: House, since: str
) -> None:
    invited, at = house.student("new"), house.clock()
    with house.database.write() as session:
        user = session.get_one(User, invited.id)
        actor = session.get_one(User, house.user("instructor").id)
        link = f"/invitations/{accounts.invite(session, user, at=at, actor=actor)}"
    assert visitor.get(link).status_code == 200
    with house.database.write() as session:
        user = session.get_one(User, invited.id)
        elsewhere = {"staff elsewhere": Role.ASSISTANT, "student elsewhere": Role.STUDENT}
        if since in elsewhere:
            other = session.merge(house.course("other"))
            accounts.enrol(session, other, user, elsewhere[since], at=at, actor=None)
        elif since == "a password":
            user.password = "set by other means"
        elif since == "an identity":
            identities.link(session, user, "https://id.example.org", "1", at=at, actor=None)
        else:
            course = session.merge(house.course())
            actor = session.get_one(User, house.user("instructor").id)
            accounts.enrol(session, course, actor, Role.ASSISTANT, at=at, actor=None)
    assert visitor.get(link).status_code == 410
    form = {"name": "New", "password": PASSWORD}
    assert visitor.post(link, data=form).status_code == 410


def test_a_token_is_shown_once_holds_until_revoked_and_is_stored_as_a_digest(
    client: FlaskClient, house: House
) -> None:
    form = {"name": "laptop", "scopes": ["read", "submit"], "days": "30"}
    page = client.post("/account/tokens", data=form).text
    (token,) = re.findall(r"gradmark_api_[\w-]{43}", page)
    assert token not in client.get("/account").text
    assert token.encode() not in b"".join(
        path.read_bytes() for path in house.config.data.glob("gradmark.db*")
    )

    def find() -> list[str] | None:
        with house.database.read() as session:
            found = tokens.find(session, token, house.clock())
            return found and found.scopes

    assert find() == [Scope.READ, Scope.SUBMIT]
    house.clock.advance(30 * 86400)
    assert find() is None
    house.clock.advance(-1)
    client.post("/account/tokens/1/revoke")
    assert find() is None


def test_an_instructor_cannot_become_somebody_else(
    browser: Callable[[str], FlaskClient], house: House
) -> None:
    """By a link for someone who has a place elsewhere: only for one's own students."""
    mine, both = house.student("mine"), house.student("both")
    with house.database.write() as session:
        accounts.enrol(
            session,
            session.merge(house.course("other")),
            session.merge(both),
            session.get_one(Enrolment, (house.course().id, both.id)).role,
            at=house.clock(),
            actor=None,
        )
    page = browser("instructor").post("/courses/dl/staff/people/links").text
    assert len(re.findall(r"/invitations/gradmark_invitation_", page)) == 1
    (table,) = re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', page)
    heading, row = b64decode(table).decode("utf-8-sig").splitlines()
    assert heading == "name,email,link"
    assert row.startswith(f"{mine.name},{mine.email},http")
    assert row.rpartition(",")[2] in page
    assert "Only an administrator can invite" in page
    page = browser("admin").post("/courses/dl/staff/people/links").text
    assert len(re.findall(r"/invitations/gradmark_invitation_", page)) == 2


def test_a_browser_makes_a_token_without_the_scope_of_staff(
    browser: Callable[[str], FlaskClient],
) -> None:
    student = browser("student")
    boxes = re.findall(r'<input[^>]*type="checkbox"[^>]*>', student.get("/account").text)
    assert len(boxes) == 3
    assert not any("required" in box for box in boxes)
    form = {"name": "my laptop", "scopes": ["read", "submit"], "days": "30"}
    made = student.post("/account/tokens", data=form).text
    assert "Your new token" in made
    assert "read, submit" in made
    refused = student.post("/account/tokens", data={**form, "scopes": []})
    assert (refused.status_code, "Choose at least one thing" in refused.text) == (422, True)
