"""A course's roster from CSV: read it, then enrol; doing it again changes nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.people import accounts
from server.people.accounts import AccountError
from server.storage.models import Course, Enrolment, Role, User

MAX_BYTES = 2 * 2**20
_HEADINGS = {
    "email": ("email", "e-mail", "mail", "email address", "sis login id", "login id"),
    "name": ("name", "student", "full name"),
    "role": ("role",),
    "section": ("section", "group"),
    "canvas_id": ("canvas id", "canvas_id"),
    "moodle_id": ("moodle id", "moodle_id", "identifier"),
}


class RosterError(ValueError):
    """The file is no roster; the message is one sentence."""


@dataclass(frozen=True)
class Person:
    """One line. What is empty says nothing: it changes nothing of somebody who is known."""

    line: int
    email: str
    name: str = ""
    role: Role | None = None
    section: str = ""
    canvas_id: str = ""
    moodle_id: str = ""
    address: str = ""  # `email` as the file writes it


@dataclass
class Imported:
    added: list[str] = field(default_factory=list)  # addresses
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0


def read(content: bytes) -> list[Person]:
    """
    Raises:
        RosterError: not a CSV file with a column of e-mail addresses, or a line that is not valid:
            a roster is taken as a whole or not at all.
    """
    if len(content) > MAX_BYTES:
        raise RosterError(f"The roster is larger than {MAX_BYTES // 2**20} MiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RosterError("The roster is not text in UTF-8: export it as CSV (UTF-8).") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = _columns(next(rows, []))
        people = list(_people(rows, columns))
    except csv.Error as error:
        raise RosterError(f"The roster is no CSV file: {error}.") from None
    if not people:
        raise RosterError("The roster has no line below its headings.")
    return people


def enrol(
    session: Session, course: Course, people: Sequence[Person], *, at: datetime, actor: User | None
) -> Imported:
    """Create who is not known, enrol who is not in the course, bring the others up to date."""
    result = Imported()
    enrolled = {
        enrolment.user.email: enrolment
        for enrolment in session.scalars(
            select(Enrolment).where(Enrolment.course_id == course.id)
        ).all()
    }
    for person in people:
        enrolment = enrolled.get(person.email)
        if enrolment is None:
            user = accounts.find(session, person.email) or accounts.create(
                session, person.email, person.name, at=at, actor=actor
            )
            enrolment = accounts.enrol(
                session, course, user, person.role or Role.STUDENT, at=at, actor=actor
            )
            _fill(enrolment, person)
            result.added.append(person.email)
            continue
        role = enrolment.role
        accounts.enrol(session, course, enrolment.user, person.role or role, at=at, actor=actor)
        if _fill(enrolment, person) or enrolment.role is not role:
            result.changed.append(person.email)
        else:
            result.unchanged += 1
    return result


def _fill(enrolment: Enrolment, person: Person) -> bool:
    changed = False
    for name in ("address", "section", "canvas_id", "moodle_id"):
        value = getattr(person, name)
        if value and getattr(enrolment, name) != value:
            setattr(enrolment, name, value)
            changed = True
    return changed


def _columns(headings: Sequence[str]) -> dict[str, int]:
    found = {}
    for position, heading in enumerate(headings):
        for name, spellings in _HEADINGS.items():
            if heading.strip().lower() in spellings and name not in found:
                found[name] = position
    if "email" not in found:
        raise RosterError(
            "The roster's first line has no column 'email'; it may have: "
            + ", ".join(_HEADINGS)
            + "."
        )
    return found


def _people(rows: Iterator[list[str]], columns: dict[str, int]) -> Iterator[Person]:
    seen: dict[str, int] = {}
    for line, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        values = {
            name: row[position].strip()[:100] if position < len(row) else ""
            for name, position in columns.items()
        }
        address = values.pop("email")
        try:
            email = accounts.normal_email(address)
        except AccountError as error:
            raise RosterError(f"Line {line}: {error}") from None
        if email in seen:
            raise RosterError(f"Line {line}: {email} is also in line {seen[email]}.")
        seen[email] = line
        role = _role(line, values.pop("role", ""))
        yield Person(line, email, role=role, address=address, **values)


def _role(line: int, text: str) -> Role | None:
    if not text:
        return None
    try:
        return Role(text.lower())
    except ValueError:
        raise RosterError(
            f"Line {line}: {text[:40]!r} is no role; there are: {', '.join(Role)}."
        ) from None
