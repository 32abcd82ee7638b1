"""Mail, by a real SMTP server beside the test: what is sent, once, and what is not."""

from __future__ import annotations

import email
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from autograder.cli import main
from server import outbox
from server.commands.serve import sweep_of
from server.grades import marking
from server.mail import letters, settings
from server.mail.sending import Post
from server.people import accounts
from server.storage.config import ConfigError
from server.storage.models import (
    Delivery,
    Enrolment,
    Kind,
    Outgoing,
    State,
    User,
)
from tests.server.conftest import PASSWORD, House, make_app


class Inbox:
    """What a mail server does with what it is sent; by default it takes it."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipient = "250 OK"
        self.answer = "250 OK"
        self.breaks_off = False

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.breaks_off:
            server.transport.abort()
        if self.answer.startswith("250"):
            message = email.message_from_bytes(bytes(envelope.content or b""), policy=default)
            assert isinstance(message, EmailMessage)
            assert [message["To"]] == envelope.rcpt_tos
            self.messages.append(message)
        return self.answer


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    box = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


class Mailed:
    """A house that sends mail."""

    def __init__(self, house: House, inbox: Inbox, port: int) -> None:
        self.house, self.inbox = house, inbox
        house.configure_mail(port)
        self.app = make_app(house)
        self.app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
        self.sweep = sweep_of(self.app)

    def client(self, name: str | None = None) -> FlaskClient:
        client = self.app.test_client()
        return self.house.log_in(client, name) if name else client

    def post(self) -> list[EmailMessage]:
        """What arrives by what is due now."""
        before = len(self.inbox.messages)
        self.sweep()
        return self.inbox.messages[before:]

    def states(self) -> list[tuple[Kind, Delivery]]:
        with self.house.database.read() as session:
            return [(r.kind, r.state) for r in session.scalars(select(Outgoing))]

    def comment(self, public_id: str, text: str = "Look at eps.", **form: str) -> None:
        page = f"/courses/dl/staff/submissions/{public_id}/comments"
        sent = self.client("assistant").post(page, data={"text": text, **form})
        assert sent.status_code == 303


@pytest.fixture
def mailed(house: House, inbox: tuple[Inbox, int]) -> Mailed:
    return Mailed(house, *inbox)


def plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def link(message: EmailMessage, part: str) -> str:
    found = re.search(rf"https://gradmark\.example\.org(/{part}\S*)", plain(message))
    assert found, plain(message)
    return found[1]


def test_a_comment_reaches_its_student_once_as_text_and_html(mailed: Mailed) -> None:
    public_id = mailed.house.graded()
    mailed.comment(public_id, "Why <b>so</b>?\n\nLook at eps.")
    mailed.comment(public_id, "among us", for_staff="y")
    (message,) = mailed.post()
    assert message["To"] == "student@example.org"
    assert message["From"] == "Gradmark <gradmark@example.org>"
    assert "Assistant on Normalization layers" in message["Subject"]
    assert "> Why <b>so</b>?" in plain(message)
    assert "Why &lt;b&gt;so&lt;/b&gt;?" in html(message)
    where = link(message, "courses")
    assert where == mailed.house.page(public_id)
    assert mailed.client("student").get(where).status_code == 200
    assert mailed.post() == []
    mailed.house.clock.advance(86_400)
    assert mailed.post() == []


def test_the_page_does_not_wait_for_the_mail_server(mailed: Mailed) -> None:
    """What a page does is put a row in; the server may be down for a day."""
    public_id = mailed.house.graded()
    mailed.inbox.recipient = "451 later"
    mailed.comment(public_id)
    assert mailed.post() == []
    assert mailed.post() == []  # not before it is due again
    mailed.house.clock.advance(61)
    mailed.inbox.recipient = "250 OK"
    (message,) = mailed.post()
    assert "Look at eps" in plain(message)


@pytest.mark.parametrize(
    ("inbox_does", "state"),
    [
        ({"recipient": "550 nobody here"}, Delivery.FAILED),
        ({"answer": "554 no"}, Delivery.FAILED),
        ({"answer": "452 full"}, Delivery.WAITING),
        ({"breaks_off": True}, Delivery.FAILED),  # it may have arrived
    ],
    ids=lambda value: str(value),
)
def test_what_the_mail_server_answers_decides(
    mailed: Mailed, inbox_does: dict[str, Any], state: Delivery
) -> None:
    mailed.comment(mailed.house.graded())
    vars(mailed.inbox).update(inbox_does)
    mailed.post()
    assert mailed.states() == [(Kind.COMMENT, state)]
    arrived = len(mailed.inbox.messages)
    vars(mailed.inbox).update(vars(Inbox()), messages=mailed.inbox.messages)
    mailed.house.clock.advance(3600)
    mailed.post()
    assert len(mailed.inbox.messages) == (1 if state is Delivery.WAITING else arrived)
    page = mailed.client("admin").get("/admin/outbox").text
    assert ("1 failed" in page) == (state is Delivery.FAILED)
    assert "student@example.org" not in page  # the person's own page has it


def test_what_was_being_sent_when_the_server_died_is_not_sent_again(mailed: Mailed) -> None:
    mailed.comment(mailed.house.graded())

    def die(row: Outgoing) -> None:
        raise SystemExit

    mailed.sweep._senders = {Kind.COMMENT: die}
    with pytest.raises(SystemExit):
        mailed.sweep()
    mailed.sweep = sweep_of(mailed.app)
    mailed.house.clock.advance(3600)
    assert mailed.post() == []
    assert mailed.states() == [(Kind.COMMENT, Delivery.FAILED)]
    page = mailed.client("admin").get("/admin/outbox").text
    assert "it may have arrived" in page
    mailed.client("admin").post("/admin/outbox/1/again")
    assert len(mailed.post()) == 1


def test_after_days_without_a_mail_server_it_is_given_up(mailed: Mailed) -> None:
    mailed.comment(mailed.house.graded())
    mailed.inbox.recipient = "451 later"
    for _ in range(40):
        mailed.post()
        mailed.house.clock.advance(6 * 3600 + 1)
    assert mailed.states() == [(Kind.COMMENT, Delivery.FAILED)]


def test_a_password_is_forgotten_and_another_chosen(mailed: Mailed) -> None:
    client = mailed.client()
    assert "Forgot your password?" in client.get("/login").text
    answers = [
        client.post("/login/forgotten", data={"email": address}).text
        for address in ("Student@example.org", "nobody@example.org")
    ]
    assert answers[0] == answers[1]  # nobody learns who is known
    (message,) = mailed.post()
    assert "List-Unsubscribe" not in message
    where = link(message, "invitations")
    form = {"name": "Student", "password": "another long password"}
    assert client.post(where, data=form).status_code == 303
    fresh = mailed.client()
    login = {"email": "student@example.org", "password": "another long password"}
    assert fresh.post("/login", data=login).status_code == 303
    assert client.post(where, data=form).status_code == 410


def test_a_reset_that_nobody_uses_changes_nothing(mailed: Mailed) -> None:
    client = mailed.client()
    for _ in range(5):
        client.post("/login/forgotten", data={"email": "student@example.org"})
    (message,) = mailed.post()  # one in five minutes
    mailed.house.clock.advance(accounts.RESET_LASTS.total_seconds() + 1)
    assert client.get(link(message, "invitations")).status_code == 410
    login = {"email": "student@example.org", "password": PASSWORD}
    assert client.post("/login", data=login).status_code == 303


def test_asking_for_a_reset_ends_no_invitation(mailed: Mailed) -> None:
    where = mailed.house.invitation("fresh")
    mailed.client().post("/login/forgotten", data={"email": "fresh@example.org"})
    assert len(mailed.post()) == 1
    assert mailed.client().get(where).status_code == 200


def test_whom_a_provider_alone_lets_in_gets_no_password_by_mail(mailed: Mailed) -> None:
    mailed.house.identity("student", "https://login.example.org")
    with mailed.house.database.write() as session:
        session.get_one(User, mailed.house.user("student").id).password = None
    mailed.client().post("/login/forgotten", data={"email": "student@example.org"})
    assert mailed.post() == []


def test_invitations_go_to_those_without_a_password(mailed: Mailed) -> None:
    mailed.house.student("fresh")
    client = mailed.client("instructor")
    assert "Send them invitations by mail" in client.get("/courses/dl/staff/people").text
    for _ in range(2):  # pressed twice, sent once
        client.post("/courses/dl/staff/people/links", data={"by": "mail"})
    (message,) = mailed.post()
    assert message["To"] == "fresh@example.org"
    assert "Instructor has made an account for you, in Course dl" in " ".join(
        plain(message).split()
    )
    where = link(message, "invitations")
    assert mailed.client().get(where).status_code == 200
    with mailed.house.database.read() as session:
        about = session.scalars(select(Outgoing.about)).one()
    assert where.rpartition("/")[2] not in str(about)  # no secret is kept


def test_an_invitation_of_somebody_who_may_not_any_more_is_not_sent(mailed: Mailed) -> None:
    mailed.house.student("fresh")
    mailed.client("instructor").post("/courses/dl/staff/people/links", data={"by": "mail"})
    with mailed.house.database.write() as session:
        session.get_one(User, mailed.house.user("instructor").id).disabled = True
    assert mailed.post() == []
    assert mailed.states() == []


def test_the_terminal_sends_them_too(mailed: Mailed) -> None:
    data = ["--data", str(mailed.house.config.data)]
    roster = mailed.house.config.data / "roster.csv"
    roster.write_text("email,name\nsomebody@example.org,Some Body\n")
    run = CliRunner().invoke
    added = run(main, ["user", "add", "other@example.org", "--mail", *data])
    assert added.exit_code == 0, added.output
    listed = run(main, ["course", "roster", "dl", str(roster), "--mail", *data])
    assert listed.exit_code == 0, listed.output
    assert "/invitations/" not in added.output + listed.output
    mailed.house.clock.advance(3600)  # the terminal's clock is the real one
    to = {message["To"] for message in mailed.post()}
    assert to == {"other@example.org", "somebody@example.org"}


def test_without_mail_the_terminal_says_so(house: House) -> None:
    arguments = ["user", "invite", "student@example.org", "--mail"]
    done = CliRunner().invoke(main, [*arguments, "--data", str(house.config.data)])
    assert done.exit_code == 2
    assert "sends no mail" in done.output


def test_a_fault_that_is_over_is_told_and_no_other(mailed: Mailed) -> None:
    house = mailed.house
    house.accept(user="classmate")
    house.grade_all()
    broken = house.accept()

    def fault(*_: Any) -> Any:
        raise OSError("the disk")

    house.grade_all(fault)
    assert house.row(broken).state is State.FAILED
    assert mailed.post() == []
    house.queue.try_again(house.row(broken).id)
    house.grade_all()
    (message,) = mailed.post()
    assert message["To"] == "student@example.org"
    assert "through a fault of the server's" in plain(message)
    assert link(message, "courses") == house.page(broken)


def test_due_tomorrow_is_for_those_who_have_nothing_handed_in(mailed: Mailed) -> None:
    house = mailed.house
    house.accept(user="classmate")
    house.accept(user="classmate", assignment="losses")
    house.grade_all()
    assert mailed.post() == []
    house.clock.now = house.assignment().due_at - timedelta(hours=23)
    messages = mailed.post()
    assert sorted(message["To"] for message in messages) == ["student@example.org"] * 2
    assert "is due in 23 hours" in messages[0]["Subject"]
    assert "CE" in plain(messages[0])  # in the course's zone
    house.clock.advance(3600)
    assert mailed.post() == []


def test_an_extended_deadline_has_a_reminder_of_its_own(mailed: Mailed) -> None:
    house = mailed.house
    due = house.assignment().due_at + timedelta(days=3)
    with house.database.write() as session:
        marking.grant(
            session,
            session.get_one(type(house.assignment()), house.assignment().id),
            house.user("student").id,
            due_at=due,
            late_until=None,
            extra_attempts=0,
            reason="ill",
            at=house.clock(),
            actor=session.get_one(User, house.user("instructor").id),
        )
    house.clock.now = house.assignment().due_at - timedelta(hours=5)
    first = {(m["To"], m["Subject"][:8]) for m in mailed.post()}
    assert ("student@example.org", "Normaliz") not in first
    assert ("classmate@example.org", "Normaliz") in first
    house.clock.now = due - timedelta(hours=5)
    assert [(m["To"], m["Subject"][:8]) for m in mailed.post()] == [
        ("student@example.org", "Normaliz")
    ]


def test_no_grader_is_told_to_administrators_and_not_again_at_once(mailed: Mailed) -> None:
    house = mailed.house
    house.accept()
    assert mailed.post() == []
    house.clock.advance(600)
    (message,) = mailed.post()
    assert message["To"] == "admin@example.org"
    assert message["Subject"] == "No grader is running"
    for _ in range(10):
        house.clock.advance(600)
        assert mailed.post() == []


def test_one_click_and_the_page_switch_a_kind_off_without_a_login(mailed: Mailed) -> None:
    house = mailed.house
    first, client = house.graded(), mailed.client()
    mailed.comment(first)
    (message,) = mailed.post()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    where = message["List-Unsubscribe"].strip("<>").removeprefix("https://gradmark.example.org")
    assert where == link(message, "mail")
    assert client.get(where).status_code == 200  # looking changes nothing: programs look, too
    mailed.comment(first)
    assert len(mailed.post()) == 1
    assert client.post(where, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    mailed.comment(first)
    assert mailed.post() == []
    client.post(where, data={"kind": ["comment", "due tomorrow"]})
    mailed.comment(first)
    assert len(mailed.post()) == 1
    assert client.get("/account").status_code == 302  # the link opens nothing else
    mailed.client("student").post("/account/mail", data={})
    mailed.comment(first)
    assert mailed.post() == []


def test_a_link_of_somebody_else_or_of_another_address_does_not_hold(mailed: Mailed) -> None:
    mailed.comment(mailed.house.graded())
    (message,) = mailed.post()
    where, client = link(message, "mail"), mailed.client()
    assert client.get(where[:-2] + "xx").status_code == 410
    with mailed.house.database.write() as session:
        user = session.get_one(User, mailed.house.user("student").id)
        accounts.change_address(session, user, "new@example.org", at=user.created_at, actor=None)
    assert client.get(where).status_code == 410


def test_who_is_disabled_or_has_left_gets_nothing(mailed: Mailed) -> None:
    public_id = mailed.house.graded()
    mailed.comment(public_id)
    with mailed.house.database.write() as session:
        place = (mailed.house.course().id, mailed.house.user("student").id)
        session.get_one(Enrolment, place).left_at = mailed.house.clock()
    assert mailed.post() == []
    assert mailed.states() == []


def test_without_mail_nothing_is_sent_offered_or_kept(house: House) -> None:
    app = make_app(house)
    app.config.update(WTF_CSRF_ENABLED=False)
    assert "Forgot" not in app.test_client().get("/login").text
    assert app.test_client().get("/login/forgotten").status_code == 404
    public_id = house.graded()
    page = f"/courses/dl/staff/submissions/{public_id}/comments"
    house.log_in(app.test_client(), "assistant").post(page, data={"text": "hello"})
    assert sweep_of(app)() == 0
    with house.database.read() as session:
        assert session.scalars(select(Outgoing)).all() == []


def test_two_servers_on_one_outbox_send_each_thing_once(mailed: Mailed) -> None:
    public_id = mailed.house.graded()
    for number in range(8):
        mailed.comment(public_id, f"comment {number}")
    sweeps = [sweep_of(mailed.app) for _ in range(3)]
    threads = [Thread(target=sweep) for sweep in sweeps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mailed.inbox.messages) == 8
    assert len({message["Message-ID"] for message in mailed.inbox.messages}) == 8


_POST = Post(
    settings.Settings("h", "Gradmark <g@example.org>", "https://example.org"),
    None,  # type: ignore[arg-type]
    "secret",
)


@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
)
def test_no_name_or_comment_makes_a_header_or_markup(name: str, text: str) -> None:
    row = Outgoing(id=7, kind=Kind.COMMENT, created_at=datetime.now(UTC))
    user = User(id=3, email="student@example.org")
    letter = letters.Letter(f"{name} on it", (f"{name} wrote:",), "/x", "See", text)
    raw = _POST._message(row, user, letter).as_bytes()
    again = email.message_from_bytes(raw, policy=default)
    assert set(again.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe",
        "List-Unsubscribe-Post", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert again["To"] == "student@example.org"
    body = again.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert body.count("<p") == 3
    assert body.count("<blockquote") == bool(text)


def test_a_password_and_starttls_are_used(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a server that takes nothing without both."""
    certificate, key = _certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    seen = []

    def check(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"sesame")

    box = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    controller.start()
    try:
        house.configure_mail(
            port, host="localhost", security="starttls", username="gradmark", password="sesame"
        )
        app = make_app(house)
        house.student("fresh")
        with house.database.write() as session:
            outbox.invite(session, house.user("fresh").id, None, at=house.clock())
        assert sweep_of(app)() == 1
    finally:
        controller.stop()
    assert seen == [(b"gradmark", b"sesame")]
    assert len(box.messages) == 1


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_a_server_without_tls_gets_no_password(house: House, inbox: tuple[Inbox, int]) -> None:
    """It does not offer STARTTLS: nothing is said to it."""
    box, port = inbox
    house.configure_mail(port, security="starttls", username="gradmark", password="sesame")
    app = make_app(house)
    with house.database.write() as session:
        outbox.invite(session, house.user("student").id, None, at=house.clock())
    assert sweep_of(app)() == 0
    assert box.messages == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"host": ""}, "host is missing"),
        ({"sender": "nobody"}, "sender is no e-mail address"),
        ({"url": "http://gradmark.example.org"}, "url is no https"),
        ({"security": "ssl"}, "security is one of"),
        ({"port": 0}, "port is a number"),
        ({"port": "25"}, "port is a number"),
        ({"extra": "x"}, "there is no extra"),
        ({"password_file": "/nowhere"}, "/nowhere cannot be read"),
        ({"host": "mail.example.org", "username": "u"}, "not sent in the clear"),
        ({"reply_to": "x\ny@example.org"}, "no text of one line"),
    ],
    ids=lambda value: str(value),
)
def test_a_wrong_file_is_one_sentence_when_the_server_starts(
    house: House, change: dict[str, object], says: str
) -> None:
    house.configure_mail(25, **change)
    with pytest.raises(ConfigError, match=says):
        make_app(house)
