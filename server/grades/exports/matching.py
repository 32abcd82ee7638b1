"""Which student of the course is this line of another system's file?

All that the line says of a person is looked up: identifiers, login, address, name. Who fits all of
it is the student. Where several do, or where the evidence contradicts itself, nobody is: a grade
that is missing is noticed, a grade in somebody else's line is not.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from server.grades.exports.gradebook import Line


class UploadError(ValueError):
    """The file is not what it should be; the message is one sentence."""


@dataclass(frozen=True)
class Identity:
    """What a line says of whom it is about; what it does not say is empty."""

    label: str  # how to call the line to whom uploaded it
    ids: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()  # login names or addresses
    name: str = ""


@dataclass
class Matched:
    """Positions of lines, and students; together they are all that there are."""

    lines: dict[int, Line] = field(default_factory=dict)
    by_name_only: list[str] = field(default_factory=list)  # labels of some of `lines`
    ambiguous: list[str] = field(default_factory=list)  # labels of lines that fit several
    unmatched: list[str] = field(default_factory=list)  # labels of lines that fit nobody
    missing: list[Line] = field(default_factory=list)  # students whom no line is about


def match(identities: Mapping[int, Identity], students: Sequence[Line]) -> Matched:
    """
    Args:
        identities: by the position of their line.
    """
    by_id = _index(students, lambda line: [line.enrolment.canvas_id])
    by_login = _index(students, _logins)
    by_name = _index(students, lambda line: _spellings(line.enrolment.user.name))
    found: dict[int, set[int]] = {}
    by_name_only = set()
    for position, identity in identities.items():
        proofs = [
            *(by_id[value] for value in identity.ids if value in by_id),
            *(by_login[value] for value in _lower(identity.logins) if value in by_login),
        ]
        if not proofs:
            by_name_only.add(position)
        if named := by_name.get(_plain(identity.name)):
            proofs.append(named)
        found[position] = set.intersection(*proofs) if proofs else set()
        if proofs and len(found[position]) != 1:
            found[position] = set().union(*proofs)  # several, or a contradiction
    return _sort_out(identities, students, found, by_name_only)


def _sort_out(
    identities: Mapping[int, Identity],
    students: Sequence[Line],
    found: Mapping[int, set[int]],
    by_name_only: set[int],
) -> Matched:
    taken = Counter(next(iter(who)) for who in found.values() if len(who) == 1)
    matched = Matched()
    for position, who in found.items():
        label = identities[position].label
        if not who:
            matched.unmatched.append(label)
        elif len(who) > 1 or taken[next(iter(who))] > 1:
            matched.ambiguous.append(label)
        else:
            matched.lines[position] = students[next(iter(who))]
            if position in by_name_only:
                matched.by_name_only.append(label)
    mentioned = {line.enrolment.user_id for line in matched.lines.values()}
    matched.missing = [line for line in students if line.enrolment.user_id not in mentioned]
    return matched


def _index(students: Sequence[Line], keys: Callable[[Line], Iterable[str]]) -> dict[str, set[int]]:
    found = defaultdict(set)
    for number, line in enumerate(students):
        for key in keys(line):
            if key:
                found[key].add(number)
    return dict(found)


def _logins(line: Line) -> list[str]:
    """The address, what comes before its @, and the identifier: systems log in by any of them."""
    email = line.enrolment.user.email
    return [email, email.partition("@")[0], line.enrolment.canvas_id.lower()]


def _lower(values: Iterable[str]) -> list[str]:
    return [value.strip().lower() for value in values]


def _spellings(name: str) -> set[str]:
    """Its words in order of the alphabet, and as one word: Canvas calls files `doejanemary`."""
    words = _letters(name).split()
    turned = (words[i:] + words[:i] for i in range(len(words)))
    joined = ("".join(c for c in "".join(turn) if c.isalnum()) for turn in turned)
    return {_plain(name), *joined}


def _plain(name: str) -> str:
    """The words of a name in alphabetical order: `Doe, Jörg` is `Jörg Doe`."""
    return " ".join(sorted(_letters(name).split()))


def _letters(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c if c.isalnum() or c in "'-" else " " for c in folded)
