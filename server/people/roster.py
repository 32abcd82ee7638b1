"""A course's roster as a spreadsheet, Canvas, Moodle or Gradescope writes it.

What is read here says who is meant; what that changes in a course is for `server.people.enrolling`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from server import sheet
from server.people import accounts
from server.people.accounts import AccountError
from server.sheet import Sheet, SheetError
from server.storage.models import Role

MAX_BYTES = 2 * 2**20
_LONGEST = {"name": 200, "section": 100, "canvas_id": 100, "moodle_id": 100}

# A column's meaning by its heading, in lower case and without punctuation.
_HEADINGS = {
    "email": (
        "email", "e mail", "mail", "email address", "e mail address", "e mail adresse",
        "email adresse", "mailadresse", "correo electronico", "adresse e mail",
    ),
    "login": ("sis login id", "login id", "login"),
    "name": ("name", "student", "full name", "student name", "vollständiger name"),
    "first": ("first name", "firstname", "first", "given name", "vorname"),
    "last": ("last name", "lastname", "last", "surname", "family name", "nachname", "familienname"),
    "role": ("role", "roles", "rolle", "rollen"),
    "section": ("section", "sections", "section name", "group", "groups", "gruppe", "gruppen"),
    "canvas_id": ("canvas id", "sid", "student id", "sis user id", "id"),
    "moodle_id": ("moodle id", "identifier", "id number", "id nummer", "matrikelnummer"),
}  # fmt: skip
_ROLES = {
    Role.STUDENT: (
        "student", "students", "learner", "participant", "studentin", "studierende", "studierender",
        "teilnehmer", "teilnehmerin",
    ),
    Role.ASSISTANT: (
        "assistant", "ta", "teaching assistant", "tutor", "tutorin", "grader", "reader",
        "non editing teacher", "trainer in ohne bearbeitungsrecht", "assistent",
        "assistentin", "hilfskraft",
    ),
    Role.INSTRUCTOR: (
        "instructor", "teacher", "lecturer", "professor", "dozent", "dozentin", "lehrende",
        "lehrender", "editing teacher", "trainer", "trainerin",
    ),
}  # fmt: skip


class RosterError(ValueError):
    """The file is no roster; the message is one sentence."""


@dataclass(frozen=True)
class Person:
    """Somebody in the file. What is empty says nothing: it changes nothing of who is known."""

    line: int
    email: str
    name: str = ""
    role: Role | None = None
    section: str = ""
    canvas_id: str = ""
    moodle_id: str = ""
    address: str = ""  # `email` as the file writes it


@dataclass(frozen=True)
class Roster:
    people: Sequence[Person]
    problems: Sequence[str] = ()  # lines that say nothing that could be taken: a sentence each
    notes: Sequence[str] = field(default=())  # how the file was read: a sentence each


def read(content: bytes) -> Roster:
    """
    Raises:
        RosterError: it is no CSV file with a column of e-mail addresses.
    """
    try:
        table = sheet.read(content, "The roster", MAX_BYTES)
    except SheetError as error:
        raise RosterError(str(error)) from None
    if not table.headings:
        raise RosterError("The roster is empty.")
    columns = _columns(table.headings)
    if not table.rows:
        raise RosterError("The roster has no line below its headings.")
    used = set(columns.values())
    ignored = [
        sheet.clean(heading)
        for position, heading in enumerate(table.headings)
        if position not in used and heading.strip()
    ]
    notes = list(table.notes)
    if ignored:
        some = ", ".join(ignored[:12]) + (", ..." if len(ignored) > 12 else "")
        notes.append(f"These columns are not used: {some}.")
    people: list[Person] = []
    problems: list[str] = []
    for line, row in table.rows:
        if (no_person := _no_person(row, table, columns)) is not None:
            notes.append(f"Line {line} is left out: {no_person}.")
            continue
        try:
            people.append(_person(line, row, columns))
        except ValueError as error:
            problems.append(f"Line {line}: {error}")
    merged = _merged(people, problems)
    return Roster(merged, problems, notes)


def _columns(headings: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, spellings in _HEADINGS.items():
        for spelling in spellings:  # the first that there is
            if name in found:
                break
            for position, heading in enumerate(headings):
                if _words(heading) == spelling and position not in found.values():
                    found[name] = position
                    break
    if "email" not in found and "login" not in found:
        raise RosterError(
            "The roster's first line has no column 'email'; it may have: email, name (or first "
            "name and last name), role, section, canvas_id, moodle_id, and what Canvas, Moodle and "
            "Gradescope write."
        )
    return found


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", sheet.clean(text).casefold().replace("_", " ")))


def _no_person(row: Sequence[str], table: Sheet, columns: dict[str, int]) -> str | None:
    """Why the line is about nobody, as some of Canvas's are."""
    name = row[columns["name"]].strip() if "name" in columns else ""
    if _words(table.headings[0]) == "student":
        if not any(row[position].strip() for position in columns.values()):
            return "it is Canvas's line of how scores are posted"
        if name.casefold() == "points possible":
            return "it is Canvas's line of points"
        if name.casefold() == "student, test":
            return "it is Canvas's test student"
    return None


def _person(line: int, row: Sequence[str], columns: dict[str, int]) -> Person:
    """
    Raises:
        ValueError: with a sentence that says why it is nobody.
    """
    said = {name: sheet.clean(row[position]) for name, position in columns.items()}
    address = said.get("email") or said.get("login", "")
    if not address:
        raise ValueError("there is no e-mail address.")
    try:
        email = accounts.normal_email(address)
    except AccountError as error:
        raise ValueError(str(error)) from None
    name = said.get("name", "")
    if said.get("first") or said.get("last"):
        name = f"{said.get('first', '')} {said.get('last', '')}".strip()
    elif name.count(",") == 1:  # "Doe, Jane", as Canvas has it
        name = " ".join(reversed([part.strip() for part in name.split(",")])).strip()
    values = {key: said.get(key, "") for key in ("section", "canvas_id", "moodle_id")}
    for key, value in {"name": name, **values}.items():
        if len(value) > _LONGEST[key]:
            raise ValueError(f"the {key} is longer than {_LONGEST[key]} characters.")
    role = _role(said.get("role", ""))
    return Person(line, email, name, role, address=accounts.as_written(address), **values)


def _role(text: str) -> Role | None:
    if not text:
        return None
    plain = re.sub(r" (in|innen|r)$", "", _words(text)).removesuffix("enrollment")  # "Tutor/in"
    for role, words in _ROLES.items():
        if plain in words:
            return role
    raise ValueError(f"{text[:40]!r} is no role; there are: {', '.join(Role)}.")


def _merged(people: Iterable[Person], problems: list[str]) -> list[Person]:
    """One for each address: somebody in two sections has a line for each."""
    lines: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        lines[person.email].append(person)
    found = []
    for email, same in lines.items():
        differing = [
            key
            for key in ("name", "role", "canvas_id", "moodle_id")
            if len({getattr(person, key) for person in same} - {"", None}) > 1
        ]
        if differing:
            numbers = " and ".join(str(person.line) for person in same)
            problems.append(
                f"Lines {numbers} are both about {email}, and say different things of: "
                f"{', '.join(differing)}."
            )
            continue
        said: dict[str, Any] = {
            key: next((getattr(person, key) for person in same if getattr(person, key)), default)
            for key, default in (("name", ""), ("role", None), ("canvas_id", ""), ("moodle_id", ""))
        }
        sections = dict.fromkeys(person.section for person in same if person.section)
        found.append(replace(same[0], section=", ".join(sections)[:100], **said))
    return found
