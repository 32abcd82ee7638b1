"""Logging in by OpenID Connect, against a real provider that runs beside the test."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import oidc_provider_mock
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from server.people import providers
from server.storage.config import ConfigError
from server.storage.models import AuditEntry, Enrolment, Role, User
from tests.server.conftest import PASSWORD, House, make_app


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


def browser(house: House) -> FlaskClient:
    app = make_app(house)
    app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    return app.test_client()


def person(provider: str, subject: str, **claims: object) -> str:
    httpx.put(f"{provider}/users/{quote(subject)}", json=claims).raise_for_status()
    return subject


def go(client: FlaskClient, subject: str, start: str = "/login/mock") -> str:
    """The address by which the provider sends that person back."""
    at_provider = client.get(start)
    assert at_provider.status_code == 302
    back = httpx.post(at_provider.headers["Location"], data={"sub": subject})
    assert back.status_code == 302
    return back.headers["Location"]


def log_in(client: FlaskClient, subject: str, start: str = "/login/mock") -> TestResponse:
    return client.get(go(client, subject, start))


def who(client: FlaskClient) -> str:
    """The account's page, or nothing where nobody has logged in."""
    page = client.get("/account")
    return "" if page.status_code == 302 else page.get_data(as_text=True)


def users(house: House) -> int:
    with house.database.read() as session:
        return len(session.scalars(select(User)).all())


def test_the_login_page_leads_there_and_back_to_where_one_was(house: House, provider: str) -> None:
    house.configure_provider(provider)
    client = browser(house)
    subject = person(provider, "new", email="new@example.org", name="New Person")
    page = client.get("/login?next=/account").get_data(as_text=True)
    assert "Log in with Mock login" in page
    answer = log_in(client, subject, "/login/mock?next=/account")
    assert answer.headers["Location"] == "/account"
    assert "New Person" in who(client)


def test_a_person_is_known_by_the_subject_whatever_else_changes(
    house: House, provider: str
) -> None:
    house.configure_provider(provider)
    person(provider, "moves", email="before@example.org", name="Before")
    log_in(browser(house), "moves")
    count = users(house)
    person(provider, "moves", email="after@example.org", name="After")
    client = browser(house)
    log_in(client, "moves")
    assert users(house) == count
    assert "before@example.org" in who(client)


def test_somebody_else_with_the_address_of_an_account_does_not_get_it(
    house: House, provider: str
) -> None:
    house.configure_provider(provider, link_verified_email=True)
    client = browser(house)
    person(provider, "thief", email="instructor@example.org", email_verified=False)
    answer = log_in(client, "thief")
    assert answer.status_code == 403
    assert "log in with your password and link the two" in answer.get_data(as_text=True)
    assert not who(client)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_verified_address_opens_an_account_only_where_the_operator_says_so(
    house: House, provider: str, allowed: bool
) -> None:
    house.configure_provider(provider, link_verified_email=allowed)
    client = browser(house)
    person(provider, f"student-{allowed}", email="Student@example.org", email_verified=True)
    answer = log_in(client, f"student-{allowed}")
    assert answer.status_code == (303 if allowed else 403)
    assert ("student@example.org" in who(client)) is allowed


def test_no_account_is_made_where_the_operator_does_not_want_it(
    house: House, provider: str
) -> None:
    house.configure_provider(provider, create_accounts=False)
    count = users(house)
    person(provider, "stranger", email="stranger@example.org")
    answer = log_in(browser(house), "stranger")
    assert answer.status_code == 403
    assert "ask those who teach your course" in answer.get_data(as_text=True)
    assert users(house) == count


def test_one_links_an_account_oneself_and_unlinks_it(house: House, provider: str) -> None:
    house.configure_provider(provider)
    client = house.log_in(browser(house), "student")
    person(provider, "mine", email="other@example.org")
    assert "Let Mock login open this account" in who(client)
    log_in(client, "mine", "/account/identities/mock")
    again = browser(house)
    log_in(again, "mine")
    assert "student@example.org" in who(again)
    with house.database.read() as session:
        assert "identity.linked" in session.scalars(select(AuditEntry.action)).all()

    other = house.log_in(browser(house), "classmate")
    assert log_in(other, "mine", "/account/identities/mock").status_code == 403

    number = house.identity_of("student")
    assert other.post(f"/account/identities/{number}/unlink").status_code == 404
    assert client.post(f"/account/identities/{number}/unlink").status_code == 303
    back = browser(house)
    log_in(back, "mine")
    assert "other@example.org" in who(back)  # an account of its own


def test_the_last_key_to_an_account_stays(house: House, provider: str) -> None:
    house.configure_provider(provider)
    client = browser(house)
    person(provider, "only", email="only@example.org")
    log_in(client, "only")
    client.post(f"/account/identities/{house.identity_of('only')}/unlink")
    assert "Nothing else opens your account" in who(client)


def test_a_claim_gives_a_role_and_never_takes_one(house: House, provider: str) -> None:
    house.configure_provider(provider, roles_claim="realm.roles", link_verified_email=True)
    path = house.config.data / providers.FILE
    rule = 'roles = [{ value = "tutors", course = "dl", role = "assistant" }]'
    path.write_text(path.read_text() + rule + "\n")
    claims = {"realm": {"roles": ["tutors", 3, None]}}
    person(provider, "tutor", email="tutor@example.org", **claims)
    log_in(browser(house), "tutor")
    person(provider, "boss", email="instructor@example.org", email_verified=True, **claims)
    log_in(browser(house), "boss")
    with house.database.read() as session:
        joined = select(User.email, Enrolment.role).join(Enrolment, Enrolment.user_id == User.id)
        roles = {row.email: row.role for row in session.execute(joined)}
    assert roles["tutor@example.org"] is Role.ASSISTANT
    assert roles["instructor@example.org"] is Role.INSTRUCTOR


def test_a_disabled_account_stays_closed(house: House, provider: str) -> None:
    house.configure_provider(provider)
    person(provider, "gone", email="gone@example.org")
    log_in(browser(house), "gone")
    with house.database.write() as session:
        session.scalars(select(User).where(User.email == "gone@example.org")).one().disabled = True
    client = browser(house)
    assert log_in(client, "gone").status_code == 403
    assert not who(client)


def test_a_callback_holds_once_and_only_in_the_browser_that_asked(
    house: House, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    house.configure_provider(provider)
    person(provider, "twice", email="twice@example.org", name="Twice Person")
    client, other = browser(house), browser(house)
    address = go(client, "twice")
    assert other.get(address).status_code == 400
    assert not who(other)
    assert client.get(address).status_code == 303
    client.post("/logout")
    assert client.get(address).status_code == 400
    assert not who(client)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("server")]
    assert any("refused" in message for message in ours)
    assert not any("twice" in message.lower() for message in ours)


@pytest.mark.parametrize(
    "change",
    [{"state": "x"}, {"code": "x"}, {"state": None}, {"error": "access_denied"}],
    ids=["state", "code", "no state", "denied"],
)
def test_a_forged_callback_is_refused(
    house: House, provider: str, change: dict[str, str | None]
) -> None:
    house.configure_provider(provider)
    person(provider, "forged", email="forged@example.org")
    client = browser(house)
    parts = urlsplit(go(client, "forged"))
    said = {key: values[0] for key, values in parse_qs(parts.query).items()} | change
    sent = {key: value for key, value in said.items() if value is not None}
    answer = client.get(parts.path, query_string=sent)
    assert answer.status_code == 400
    assert "Begin again from the login page" in answer.get_data(as_text=True)
    assert not who(client)


def test_a_login_of_another_issuer_is_refused(
    house: House, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can answer for the address of the discovery does not become the issuer."""
    house.configure_provider("https://login.example.org")
    where = f"{provider}/.well-known/openid-configuration"
    monkeypatch.setattr(providers.Provider, "discovery", property(lambda self: where))
    person(provider, "issuer", email="issuer@example.org")
    client = browser(house)
    assert log_in(client, "issuer").status_code == 400
    assert not who(client)


def test_a_provider_that_does_not_answer_is_one_sentence(house: House) -> None:
    house.configure_provider("http://localhost:9")
    answer = browser(house).get("/login/mock")
    assert answer.status_code == 502
    assert "Mock login cannot be reached" in answer.get_data(as_text=True)


def test_passwords_can_be_switched_off(house: House, provider: str) -> None:
    house.configure_provider(provider, top="local_accounts = false")
    client = browser(house)
    assert "password" not in client.get("/login").get_data(as_text=True).lower()
    form = {"email": "student@example.org", "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 403
    assert not who(client)


WHOLE = """
[[providers]]
name = "a"
title = "A"
issuer = "https://example.org"
client_id = "c"
client_secret = "s"
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("providers = 3", "list of tables"),
        ("local_accounts = false", "nobody can log in"),
        ("x = [", "cannot be read"),
        ("extra = 1", "there is no extra"),
        ('[[providers]]\nname = "a"', "title is missing"),
        (WHOLE.replace("https", "http"), "no https"),
        (WHOLE + 'roles = [{ value = "v" }]', "a role has value, course and role"),
        (WHOLE + 'roles = [{ value = "v", course = "c", role = "king" }]', "role is one of"),
        (WHOLE + WHOLE, "same name"),
        (WHOLE + "create_accounts = 1", "create_accounts is true or false"),
        (WHOLE + 'client_secret_file = "/nowhere"', "/nowhere cannot be read"),
    ],
)
def test_a_wrong_file_is_one_sentence_when_the_server_starts(
    house: House, text: str, says: str
) -> None:
    (house.config.data / providers.FILE).write_text(text)
    with pytest.raises(ConfigError, match=says):
        make_app(house)
