"""What of a grading its student may see by now: the one place that decides it.

Hints, scores and comments are each shown at once, from a moment on, or once staff publish them.
While scores are hidden so is all that tells of them: the report, points, which attempt counts.
Staff see everything; whoever asks says for whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from server.grades.moments import spelled
from server.language import N_, _
from server.storage import audit
from server.storage.models import WHEN_PUBLISHED, Assignment, User


class Part(StrEnum):
    HINTS = N_("hints")
    SCORES = N_("scores")
    COMMENTS = N_("comments")


@dataclass(frozen=True)
class Shown:
    hints: bool
    scores: bool
    comments: bool

    def __contains__(self, part: Part) -> bool:
        return bool(getattr(self, part))

    @property
    def everything(self) -> bool:
        return self.hints and self.scores and self.comments


EVERYTHING = Shown(True, True, True)


def shown(assignment: Assignment, now: datetime) -> Shown:
    """What the assignment's students see."""
    return Shown(**{part.value: is_shown(assignment, part, now) for part in Part})


def is_shown(assignment: Assignment, part: Part, now: datetime) -> bool:
    begins, published = begins_at(assignment, part), published_at(assignment, part)
    return begins is None or begins <= now or (published is not None and published <= now)


def begins_at(assignment: Assignment, part: Part) -> datetime | None:
    """From when on it is shown whatever staff do; None: from the beginning."""
    found: datetime | None = getattr(assignment, f"{part}_from")
    return found


def published_at(assignment: Assignment, part: Part) -> datetime | None:
    """When staff published it; None: they have not."""
    found: datetime | None = getattr(assignment, f"{part}_published_at")
    return found


def sentences(assignment: Assignment, now: datetime, zone: tzinfo) -> list[str]:
    """What is hidden until when, for who waits for it: one sentence for each moment."""
    hidden: dict[datetime, list[str]] = {}
    for part in Part:
        begins = begins_at(assignment, part)
        if begins is not None and not is_shown(assignment, part, now):
            hidden.setdefault(begins, []).append(part.value)
    return [
        _("%(what)s are shown once the staff publish them.", what=_listed(parts))
        if begins == WHEN_PUBLISHED
        else _(
            "%(what)s are shown from %(time)s on.",
            what=_listed(parts),
            time=spelled(begins, zone),
        )
        for begins, parts in sorted(hidden.items())
    ]


def as_shown(report: dict[str, Any], what: Shown) -> dict[str, Any]:
    """The report, where scores are shown, without the hints that are not."""
    if what.hints:
        return report
    return report | {
        "exercises": [exercise | {"diagnosis": []} for exercise in report["exercises"]]
    }


def publish(
    session: Session, assignment: Assignment, parts: Iterable[Part], *, at: datetime, actor: User
) -> None:
    """Show it from now on."""
    _set(session, assignment, parts, audit.Action.PUBLISHED, at, at, actor)


def withdraw(
    session: Session, assignment: Assignment, parts: Iterable[Part], *, at: datetime, actor: User
) -> None:
    """Take back what was published: its date holds again."""
    _set(session, assignment, parts, audit.Action.WITHDRAWN, None, at, actor)


def _set(
    session: Session,
    assignment: Assignment,
    parts: Iterable[Part],
    action: audit.Action,
    published: datetime | None,
    at: datetime,
    actor: User,
) -> None:
    changed = []
    for part in parts:
        if (published_at(assignment, part) is None) != (published is None):
            setattr(assignment, f"{part}_published_at", published)
            changed.append(part.value)
    if changed:
        audit.record(
            session,
            action,
            f"assignment:{assignment.id}",
            at=at,
            actor=actor,
            course_id=assignment.course_id,
            assignment=assignment.slug,
            parts=changed,
        )


def listed(words: Iterable[str]) -> str:
    """`hints, scores and comments`, of words that are in the catalogue."""
    *first, last = [_(word) for word in words]
    return _("%(first)s and %(last)s", first=", ".join(first), last=last) if first else last


def _listed(words: list[str]) -> str:
    said = listed(words)
    return said[:1].upper() + said[1:]
