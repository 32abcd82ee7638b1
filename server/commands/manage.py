"""`gradmark user` and `gradmark course`: what an operator does without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from autograder import spreadsheet
from server import courses, engine, options, outbox
from server.clock import utc_now
from server.grades import exports
from server.grades.exports import Format
from server.mail import settings as mail_settings
from server.people import accounts, enrolling, privacy, roster
from server.people.enrolling import Kind
from server.storage import audit
from server.storage.config import Config, ConfigError
from server.storage.database import Database, is_full, why
from server.storage.files import Files
from server.storage.models import Course, User

_url = click.option(
    "--url",
    default="http://127.0.0.1:8000",
    envvar="GRADMARK_URL",
    show_default=True,
    help="The server's address as its users type it.",
)


class _Refusal(click.ClickException):
    exit_code = 2


_mail = click.option("--mail", is_flag=True, help="Send the link by mail; do not print it.")


def refuse(message: object) -> NoReturn:
    raise _Refusal(str(message)) from None


@contextmanager
def _writing(data: Path) -> Iterator[Session]:
    """A transaction on the server's database, which may be running at the same time."""
    with _opened(data) as database, database.write() as session:
        yield session


@contextmanager
def _opened(data: Path) -> Iterator[Database]:
    """The server's database, and a sentence for what may go wrong with it."""
    try:
        config = Config(data)
        config.prepare()
        database = Database(config.database)
        database.migrate()
        yield database
    except (
        ConfigError,
        accounts.AccountError,
        courses.CourseError,
        roster.RosterError,
        exports.UploadError,
    ) as error:
        refuse(error)
    except SQLAlchemyError as error:
        full = is_full(error) and why(error) == "is full"
        reason = "its disk is full" if full else getattr(error, "orig", error)
        refuse(f"The database {Database(Config(data).database).name} cannot be written: {reason}.")


def _user(session: Session, email: str) -> User:
    return accounts.find(session, email) or refuse(f"There is no user {email}.")


def _files(data: Path) -> Files:
    return Files(Database(Config(data).database))


def _course(session: Session, slug: str) -> Course:
    found = session.scalar(select(Course).where(Course.slug == slug))
    return found or refuse(f"There is no course {slug!r}: make it with `gradmark course sync`.")


def _link(url: str, token: str) -> str:
    return f"{url.rstrip('/')}/invitations/{token}"


def _invite(session: Session, invited: User, by_mail: bool, url: str, data: Path) -> str:
    """The link, or that it is on its way."""
    if not by_mail:
        return _link(url, accounts.invite(session, invited, at=utc_now(), actor=None))
    if mail_settings.read(data) is None:
        refuse(f"This server sends no mail: write {data / mail_settings.FILE} first.")
    outbox.invite(session, invited.id, None, at=utc_now())
    return f"{invited.email}: the server sends a link by mail as soon as it runs."


@click.group()
def user() -> None:
    """The server's users."""


@user.command()
@click.argument("email")
@click.option("--name", default="", help="What they are called; by default from the address.")
@click.option("--admin", is_flag=True, help="An administrator: an instructor in every course.")
@_mail
@_url
@options.data
def add(email: str, name: str, admin: bool, mail: bool, url: str, data: Path) -> None:
    """Make a user with the address EMAIL and print the link by which they choose a password."""
    with _writing(data) as session:
        made = accounts.create(session, email, name, at=utc_now(), actor=None, is_admin=admin)
        said = _invite(session, made, mail, url, data)
    click.echo(said)


@user.command()
@click.argument("email")
@_mail
@_url
@options.data
def invite(email: str, mail: bool, url: str, data: Path) -> None:
    """Print a link by which the user EMAIL chooses a new password; earlier links end."""
    with _writing(data) as session:
        said = _invite(session, _user(session, email), mail, url, data)
    click.echo(said)


@user.command()
@click.argument("email")
@options.data
def disable(email: str, data: Path) -> None:
    """The user EMAIL can log in no more, and is logged out everywhere."""
    with _writing(data) as session:
        accounts.set_disabled(session, _user(session, email), True, at=utc_now(), actor=None)
    click.echo(f"{email} is disabled.")


@user.command()
@click.argument("email")
@options.data
def enable(email: str, data: Path) -> None:
    """The user EMAIL may log in again."""
    with _writing(data) as session:
        accounts.set_disabled(session, _user(session, email), False, at=utc_now(), actor=None)
    click.echo(f"{email} may log in.")


@user.command()
@click.argument("email")
@click.argument("new")
@options.data
def address(email: str, new: str, data: Path) -> None:
    """The user EMAIL has the address NEW from now on, and logs in by it."""
    with _writing(data) as session:
        accounts.change_address(session, _user(session, email), new, at=utc_now(), actor=None)
    click.echo(f"{email} is now {new}.")


@user.command(name="export")
@click.argument("email")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.data
def export_user(email: str, file: Path, data: Path) -> None:
    """Write all that is kept about the user EMAIL into FILE, a new zip archive."""
    with _opened(data) as database:
        try:
            with database.read() as session:
                found = _user(session, email)
                with file.open("xb") as target:
                    file.chmod(0o600)
                    privacy.export(
                        session, _files(data), engine.student_view, found, target, utc_now()
                    )
        except FileExistsError:
            refuse(f"{file} exists: choose a new file.")
        except OSError as error:
            file.unlink(missing_ok=True)
            refuse(f"{error.filename or file}: {error.strerror or error}.")
        with audit.noting(database, None) as session:
            audit.record(
                session, audit.Action.DATA_EXPORTED, f"user:{found.id}", at=utc_now(), actor=None
            )
    click.echo(f"{file}: all that is kept about {email}.")


@user.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.data
def delete(email: str, yes: bool, data: Path) -> None:
    """Delete the user EMAIL with all their submissions, reports and grades, for good."""
    with _writing(data) as session:
        _user(session, email)
    if not yes:
        click.confirm(f"Delete {email} with all submissions, reports and grades?", abort=True)
    with _writing(data) as session:
        erased = privacy.erase(session, _user(session, email), at=utc_now(), actor=None)
    click.echo(f"{email} is deleted, with {erased} submissions.")


@click.group()
def course() -> None:
    """The server's courses."""


@course.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.reference
@options.data
def sync(file: Path, reference: Path | None, data: Path) -> None:
    """Create or change a course as FILE, a course.toml, says; print what changed."""
    try:
        spec = courses.read(file.read_text("utf-8"), engine.load(reference).topics)
    except UnicodeDecodeError:
        refuse(f"{file} is not text in UTF-8.")
    except (courses.CourseError, ConfigError) as error:
        refuse(f"{file}: {error}")
    with _writing(data) as session:
        changes = courses.sync(session, spec, at=utc_now(), actor=None)
    for change in changes or ["Nothing changed."]:
        click.echo(change)


@course.command(name="roster")
@click.argument("slug", metavar="COURSE")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--links", is_flag=True, help="Print invitation links for those without a password.")
@click.option("--mail", is_flag=True, help="Send them by mail.")
@click.option("--leave", is_flag=True, help="Students whom the file does not list leave.")
@click.option("--dry-run", is_flag=True, help="Only show what it would change.")
@_url
@options.data
def roster_(
    slug: str,
    file: Path,
    links: bool,
    mail: bool,
    leave: bool,
    dry_run: bool,
    url: str,
    data: Path,
) -> None:
    """Enrol in COURSE whom FILE, a CSV file, lists; importing it again changes nothing.

    Standard error says who is changed, and how; who is left as they are, and why.
    """
    with _writing(data) as session:
        found = _course(session, slug)
        listed = roster.read(file.read_bytes())
        proposal = enrolling.propose(session, found, listed, actor=None)
        _show(proposal)
        if dry_run:
            click.echo("Nothing is changed.")
            return
        chosen = proposal.usual | ({c.key for c in proposal.of(Kind.LEAVES)} if leave else set())
        result = enrolling.apply(session, found, listed, chosen, at=utc_now(), actor=None)
        click.echo(str(result), err=links)  # what is printed then is one table
        table: list[tuple[str, ...]] = [("name", "email", "link")]
        if links or mail:
            for enrolment in found.enrolments:
                invited = enrolment.user
                if enrolment.here and invited.password is None and not invited.disabled:
                    said = _invite(session, invited, mail, url, data)
                    if mail:
                        click.echo(said)
                    else:
                        table.append((invited.name, invited.email, said))
        if links and not mail:
            click.echo(spreadsheet.write(table), nl=False)


_WORDS = {
    Kind.ADDED: "added",
    Kind.RETURNS: "back in the course",
    Kind.CHANGED: "changed",
    Kind.LEAVES: "not in the file",
}


def _show(proposal: enrolling.Proposal) -> None:
    for change in proposal.changes:
        differences = "; ".join(
            f"{what}: {before or 'none'} -> {after}" for what, before, after in change.differences
        )
        said = f"{_WORDS[change.kind]}: {change.email}, {change.name}"
        click.echo(f"{said} ({differences})" if differences else said, err=True)
    for sentence in (*proposal.ambiguous, *proposal.notes):
        click.echo(sentence, err=True)


@course.command(name="export")
@click.argument("slug", metavar="COURSE")
@click.option(
    "--format",
    "format_",
    type=click.Choice([word.value for word in Format]),
    default=Format.CSV.value,
    show_default=True,
    help="For a spreadsheet, a program, Canvas, or Moodle.",
)
@click.option(
    "--gradebook",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="For Canvas: the gradebook that it exported, to be filled in.",
)
@options.data
def export_(slug: str, format_: str, gradebook: Path | None, data: Path) -> None:
    """Print the grades of COURSE; standard error says which lines of Canvas's are left out."""
    format = Format(format_)
    if (format is Format.CANVAS) != (gradebook is not None):
        refuse("--gradebook FILE, Canvas's own export, belongs to --format canvas.")
    with _opened(data) as database:
        with database.read() as session:
            book = exports.gradebook(session, _course(session, slug), utc_now())
        if gradebook is not None:
            text, matched = exports.canvas_csv(book, gradebook.read_bytes())
            _tell(matched)
        elif format is Format.JSON:
            text = json.dumps(exports.grades_json(book), ensure_ascii=False, indent=2) + "\n"
        else:
            text = (
                exports.moodle_csv(book)
                if format is Format.MOODLE
                else exports.grades_csv(book, exports.LMS)
            )
        with audit.noting(database, None) as session:
            exports.record(session, book, format, at=utc_now(), actor=None)
    click.echo(text, nl=False)


def _tell(matched: exports.Matched) -> None:
    for labels, what in (
        (matched.by_name_only, "matched by name alone"),
        (matched.ambiguous, "ambiguous, left out"),
        (matched.unmatched, "not in this course, left out"),
        ([line.enrolment.user.email for line in matched.missing], "not in Canvas's file"),
    ):
        for label in labels:
            click.echo(f"{what}: {label}", err=True)
