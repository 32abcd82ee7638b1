"""Logging in, invitations, passwords, tokens: through the pages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.people import accounts, tokens
from server.storage.models import Enrolment, Scope, User
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


def test_guessing_is_slowed_down_for_the_account_from_wherever(app: Flask, house: House) -> None:
    for attempt in range(10):
        guesser = app.test_client()
        address = {"REMOTE_ADDR": f"192.0.2.{attempt}"}
        form = {"email": "student@example.org", "password": f"guess {attempt}"}
        assert guesser.post("/login", data=form, environ_base=address).status_code == 422
    assert log_in(app.test_client()).status_code == 429
    assert log_in(app.test_client(), "classmate@example.org").status_code == 303


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
    assert mine.email in page
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
