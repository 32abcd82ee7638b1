"""What a roster would change in a course, shown before it is done; and doing it.

Nobody leaves because a file does not name them: that, too, is proposed, and chosen by whoever reads
it. Whoever leaves keeps everything, and has it again on coming back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from server.people import accounts
from server.people.roster import Person, Roster
from server.storage.models import Course, Enrolment, Role, User

_OF_ENROLMENT = ("section", "canvas_id", "moodle_id")


class Kind(StrEnum):
    ADDED = "added"
    RETURNS = "returns"
    CHANGED = "changed"
    LEAVES = "leaves"


@dataclass(frozen=True)
class Change:
    """What would happen to one person."""

    kind: Kind
    email: str  # of the account, as it is now
    name: str
    person: Person | None  # None: the file does not name them
    differences: tuple[tuple[str, str, str], ...] = ()  # what, is, would be

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.email}"


@dataclass(frozen=True)
class Proposal:
    changes: list[Change]
    unchanged: int
    ambiguous: list[str]  # who is left as they are, and why: a sentence each
    notes: list[str]

    def of(self, kind: Kind) -> list[Change]:
        return [change for change in self.changes if change.kind is kind]

    @property
    def usual(self) -> set[str]:
        """The keys of what is done unless somebody chooses otherwise: nobody leaves."""
        return {change.key for change in self.changes if change.kind is not Kind.LEAVES}

    @property
    def fingerprint(self) -> str:
        """Of what is shown, to notice that it is not the same any more when it is applied."""
        return hashlib.sha256(repr((self.changes, self.ambiguous)).encode()).hexdigest()


@dataclass
class Imported:
    added: list[str] = field(default_factory=list)  # addresses, as all of these
    returned: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unchanged: int = 0

    def __str__(self) -> str:
        parts = [(len(self.added), "added"), (len(self.changed), "changed")]
        parts += [(len(n), word) for n, word in ((self.returned, "back"), (self.left, "left")) if n]
        return ", ".join(f"{n} {word}" for n, word in (*parts, (self.unchanged, "unchanged"))) + "."


def propose(session: Session, course: Course, roster: Roster, *, actor: User | None) -> Proposal:
    """
    Args:
        actor: who imports it; None for the operator.
    """
    enrolled = {
        enrolment.user.email: enrolment
        for enrolment in session.scalars(
            select(Enrolment)
            .where(Enrolment.course_id == course.id)
            .options(joinedload(Enrolment.user))
        )
    }
    proposal = Proposal([], 0, list(roster.problems), list(roster.notes))
    unchanged = 0
    named = set()
    for person in roster.people:
        enrolment = enrolled.get(person.email) or _by_identifier(person, enrolled.values(), roster)
        if enrolment is None:
            user = accounts.find(session, person.email)
            name = person.name or (user.name if user else person.email.partition("@")[0])
            proposal.changes.append(Change(Kind.ADDED, person.email, name, person))
            continue
        named.add(enrolment.user_id)
        differences = []
        for what, before, after, refusal in _differences(session, enrolment, person, actor):
            if refusal:
                proposal.ambiguous.append(f"Line {person.line}: {refusal}")
            else:
                differences.append((what, before, after))
        user = enrolment.user
        kind = Kind.CHANGED if enrolment.here else Kind.RETURNS
        if differences or not enrolment.here:
            proposal.changes.append(Change(kind, user.email, user.name, person, tuple(differences)))
        else:
            unchanged += 1
    proposal.changes.extend(
        Change(Kind.LEAVES, enrolment.user.email, enrolment.user.name, None)
        for enrolment in enrolled.values()
        if enrolment.here and enrolment.role is Role.STUDENT and enrolment.user_id not in named
    )
    return Proposal(proposal.changes, unchanged, proposal.ambiguous, proposal.notes)


def apply(
    session: Session,
    course: Course,
    roster: Roster,
    chosen: Collection[str] | None = None,
    *,
    at: datetime,
    actor: User | None,
) -> Imported:
    """Do what is proposed.

    Args:
        chosen: the keys of the changes that are wanted; None for all but that anybody leaves.
    """
    proposal = propose(session, course, roster, actor=actor)
    wanted = proposal.usual if chosen is None else chosen
    result = Imported(unchanged=proposal.unchanged)
    done = {
        Kind.ADDED: result.added,
        Kind.RETURNS: result.returned,
        Kind.CHANGED: result.changed,
        Kind.LEAVES: result.left,
    }
    for change in proposal.changes:
        if change.key in wanted:
            _do(session, course, change, at, actor)
            done[change.kind].append(change.email)
    return result


def _do(session: Session, course: Course, change: Change, at: datetime, actor: User | None) -> None:
    person = change.person
    user = accounts.find(session, change.email)
    if user is None:
        user = accounts.create(session, change.email, change.name, at=at, actor=actor)
    if person is None:
        accounts.leave(session, course, user, at=at, actor=actor)
        return
    said = {what: after for what, _, after in change.differences}
    if "e-mail" in said:
        accounts.change_address(session, user, said["e-mail"], at=at, actor=actor)
    if "name" in said:
        accounts.rename(session, user, said["name"], at=at, actor=actor, course=course)
    enrolment = session.get(Enrolment, (course.id, user.id))
    role = person.role or (Role.STUDENT if enrolment is None else enrolment.role)
    enrolment = accounts.enrol(session, course, user, role, at=at, actor=actor)
    for key in (*_OF_ENROLMENT, "address"):
        if value := getattr(person, key):
            setattr(enrolment, key, value)


def _differences(
    session: Session, enrolment: Enrolment, person: Person, actor: User | None
) -> Iterator[tuple[str, str, str, str]]:
    """(what, is, would be, why it stays as it is after all)."""
    user = enrolment.user
    if person.email != user.email:
        refusal = ""
        if not accounts.may_change_address(session, actor, user):
            refusal = (
                f"{person.email} has the identifier of {user.email}; only an administrator can "
                "change the address of somebody who has logged in or belongs to other courses."
            )
        yield "e-mail", user.email, person.email, refusal
    if person.name and person.name != user.name:
        refusal = ""
        if not accounts.may_rename(session, actor, user):
            refusal = (
                f"{user.email} is called {user.name}, not {person.name}; they belong to other "
                "courses too, so only an administrator can change it."
            )
        yield "name", user.name, person.name, refusal
    if person.role is not None and person.role is not enrolment.role:
        refusal = ""
        if actor is not None and actor.id == user.id:
            refusal = "your own role is for another instructor to change."
        yield "role", enrolment.role.value, person.role.value, refusal
    for key in _OF_ENROLMENT:
        before, after = getattr(enrolment, key), getattr(person, key)
        if after and after != before:
            yield key.replace("_", " "), before, after, ""
    spelling = enrolment.address or user.email
    if person.email == user.email and person.address not in ("", spelling):
        yield "spelling", spelling, person.address, ""


def _by_identifier(
    person: Person, enrolled: Collection[Enrolment], roster: Roster
) -> Enrolment | None:
    """Somebody of the course with another address, whom an identifier of the line proves."""
    listed = {other.email for other in roster.people}
    found = [
        enrolment
        for enrolment in enrolled
        if enrolment.user.email not in listed
        and any(
            getattr(person, key) and getattr(person, key) == getattr(enrolment, key)
            for key in ("canvas_id", "moodle_id")
        )
    ]
    return found[0] if len(found) == 1 else None
