"""A letter as a message, and the message to an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import Environment, PackageLoader, select_autoescape

from server.clock import Clock, utc_now
from server.mail.letters import KINDS, Letter, compose
from server.mail.settings import Security, Settings
from server.mail.switches import SWITCHABLE, Switches, wanted
from server.outbox import Gone, Later, Never, Uncertain
from server.storage.database import Database
from server.storage.models import Kind, Outgoing, User

_TIMEOUT = 30  # seconds for each answer of the mail server's

_templates = Environment(
    loader=PackageLoader("server.mail"),
    autoescape=select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Post:
    """Sends what the outbox holds for people.

    Args:
        secret: the server's, by which the links to the switches are signed.
    """

    def __init__(
        self, settings: Settings, database: Database, secret: str | bytes, clock: Clock = utc_now
    ) -> None:
        self.settings = settings
        self.switches = Switches(secret)
        self._database = database
        self._clock = clock

    @property
    def senders(self) -> dict[Kind, Callable[[Outgoing], None]]:
        return dict.fromkeys(KINDS, self.send)

    def send(self, row: Outgoing) -> None:
        """
        Raises:
            Gone, Held, Later, Never, Uncertain: it was not sent, see `server.outbox`.
        """
        now = self._clock()
        with self._database.write() as session:  # it may make a link
            own = session.get_one(Outgoing, row.id)
            user = own.user
            nowhere = user.email.endswith(".invalid")  # who came without an address
            if nowhere or user.disabled or own.kind not in wanted(session, user):
                raise Gone
            letter = compose(session, own, now)
            if letter is None:
                raise Gone
            message = self._message(own, user, letter)
        _hand_over(self.settings, user.email, message)

    def _message(self, row: Outgoing, user: User, letter: Letter) -> EmailMessage:
        url, at = self.settings.url, self._clock()
        switches = ""
        message = EmailMessage(policy=SMTP)
        message["From"] = self.settings.sender
        message["To"] = user.email
        message["Subject"] = " ".join(letter.subject.split())[:200]
        message["Date"] = format_datetime(at)
        domain = self.settings.address.rpartition("@")[2]
        # The same for each try: a mail server that got it twice can tell.
        message["Message-ID"] = f"<gradmark.{row.id}.{row.created_at:%Y%m%d%H%M%S}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers by machines
        if self.settings.reply_to:
            message["Reply-To"] = self.settings.reply_to
        if row.kind in SWITCHABLE:
            switches = f"{url}/mail/{self.switches.token(user, row.kind)}"
            message["List-Unsubscribe"] = f"<{switches}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        said = {"letter": letter, "link": url + letter.path, "switches": switches}
        message.set_content(_templates.get_template("letter.txt").render(said))
        html = _templates.get_template("letter.html").render(said)
        message.add_alternative(html, subtype="html")
        return message


def _hand_over(settings: Settings, recipient: str, message: EmailMessage) -> None:
    """Step by step, to know what is certain: until its text is given over, nothing has been sent;
    from there on, only the server's answer tells."""
    server = _connect(settings)
    try:
        try:
            _greet(settings, server)
            for code, answer in (server.mail(settings.address), server.rcpt(recipient)):
                if code >= 500:
                    raise Never(f"The mail server refuses it: {code}.")
                if code >= 300:
                    raise Later(f"The mail server does not take it now: {code}.")
                del answer  # it may name the person
        except (smtplib.SMTPException, OSError) as error:
            raise Later(f"The mail server could not be used: {_named(error)}.") from None
        try:
            code, _ = server.data(message.as_bytes())
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
        except (smtplib.SMTPException, OSError) as error:
            raise Uncertain(
                f"The mail server broke off, so it may have arrived: {_named(error)}."
            ) from None
        if code >= 500:
            raise Never(f"The mail server refuses it: {code}.")
        if code >= 300:
            raise Later(f"The mail server does not take it now: {code}.")
    finally:
        server.close()


def _connect(settings: Settings) -> smtplib.SMTP:
    try:
        if settings.security is Security.TLS:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=_TIMEOUT, context=context)
        return smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT)
    except (smtplib.SMTPException, OSError) as error:
        raise Later(f"The mail server cannot be reached: {_named(error)}.") from None


def _greet(settings: Settings, server: smtplib.SMTP) -> None:
    if settings.security is Security.STARTTLS:
        server.starttls(context=ssl.create_default_context())
    if settings.username:
        server.login(settings.username, settings.password)
    server.ehlo_or_helo_if_needed()


def _named(error: Exception) -> str:
    """Without what the server said, which may hold the address."""
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"
