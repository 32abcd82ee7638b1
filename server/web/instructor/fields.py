"""The keys of a `course.toml` as fields of a form: what is typed becomes what a file would say, and
the same rules judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from zoneinfo import available_timezones

from server.courses import CourseError
from server.storage.models import Counts, FreeDays, Rounding, SourcePolicy, TeamsBy

Typed: TypeAlias = Mapping[str, str]
FROM = "from a date"


class Kind(StrEnum):
    TEXT = "text"
    AREA = "area"
    NUMBER = "number"
    COUNT = "count"
    MOMENT = "moment"
    CHOICE = "choice"
    FLAG = "flag"
    RELEASE = "release"  # a choice, of which one is a date


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    kind: Kind = Kind.TEXT
    help: str = ""
    choices: Sequence[tuple[str, str]] = ()  # (what the file says, words)
    required: bool = False


_COUNTS = {
    Counts.BEST: "the best one",
    Counts.LAST: "the last one",
    Counts.LAST_BEFORE_DUE: "the last one before the due date",
}
_POLICIES = {
    SourcePolicy.NOTHING: "costs nothing, and staff see it",
    SourcePolicy.WARNING: "costs nothing, and the student sees it, too",
    SourcePolicy.ZERO: "costs the exercise's points",
}
_ROUNDING = {Rounding.HALF_UP: "to the nearest", Rounding.UP: "up", Rounding.DOWN: "down"}
_FREE_DAYS = {
    FreeDays.AUTOMATICALLY: "by themselves, in the order of due dates",
    FreeDays.AS_CHOSEN: "where the student says so",
}
_TEAMS = {TeamsBy.STUDENTS: "students, who join by a code", TeamsBy.STAFF: "the staff"}
_RELEASES = (
    ("at once", "at once"),
    ("when published", "when I publish them"),
    (FROM, "from a date on"),
)

NEW_COURSE = (
    Field("title", "Title", required=True),
    Field(
        "slug",
        "Name in addresses",
        help="Lower-case letters, digits and hyphens. It stays as it is.",
        required=True,
    ),
    Field(
        "timezone",
        "Time zone",
        Kind.CHOICE,
        "Of all dates, and of the days by which attempts and late days are counted.",
        [(zone, zone) for zone in sorted(available_timezones())],
        required=True,
    ),
)
COURSE = (
    NEW_COURSE[0],
    NEW_COURSE[2],
    Field("notice", "Notice", help="A sentence on every page of the course; empty: none."),
    Field(
        "text",
        "Text for students",
        Kind.AREA,
        "Markdown, with formulas between $ signs: it stands on the course's page.",
    ),
    Field("round_to", "Round totals to multiples of", Kind.NUMBER, "Such as 0.5; empty: as is."),
    Field("rounding", "Rounded", Kind.CHOICE, choices=list(_ROUNDING.items())),
    Field(
        "free_days",
        "Free days of each student",
        Kind.COUNT,
        "So many days late cost nothing, over the whole term.",
    ),
    Field("free_days_used", "They are used", Kind.CHOICE, choices=list(_FREE_DAYS.items())),
)


def assignment(
    topics: Mapping[str, str], groups: Sequence[tuple[str, str]], *, new: bool
) -> dict[str, tuple[Field, ...]]:
    """The fields of an assignment, by heading.

    Args:
        topics: their titles, by name.
        groups: (slug, title) of the course's.
        new: whether it is one that is not there yet.
    """
    slug = Field(
        "slug",
        "Name in addresses",
        help="Lower-case letters, digits and hyphens. It stays as it is.",
        required=True,
    )
    topic = Field(
        "topic",
        "What is graded",
        Kind.CHOICE,
        "It stays as it is once something is handed in.",
        list(topics.items()),
        required=True,
    )
    in_total = [
        Field(
            "group",
            "Group",
            Kind.CHOICE,
            choices=[("", "none: not in the total"), *groups],
        ),
        Field("weight", "Weight in its group", Kind.NUMBER, "Empty: its points."),
    ]
    return {
        "What it is": (
            Field("title", "Title", required=True),
            *([slug] if new else []),
            topic,
            Field("points", "Points", Kind.NUMBER, required=True),
            Field(
                "text",
                "Text for students",
                Kind.AREA,
                "Markdown, with formulas between $ signs: it stands above the exercises.",
            ),
            Field("hidden", "Hidden from students", Kind.FLAG),
        ),
        "Dates": (
            Field("opens", "Opens", Kind.MOMENT, required=True),
            Field("due", "Due", Kind.MOMENT, required=True),
            Field("late_until", "Late until", Kind.MOMENT, "Empty: nothing is taken late."),
            Field("late_penalty", "Percent lost per day late", Kind.NUMBER),
            Field(
                "window_minutes",
                "Minutes from pressing Start on",
                Kind.COUNT,
                "For an exam: each student's own time. Empty: until the assignment ends.",
            ),
        ),
        "Attempts": (
            Field("attempts", "Attempts in all", Kind.COUNT, "Empty: no limit."),
            Field("attempts_per_day", "Attempts per day", Kind.COUNT, "Empty: no limit."),
            Field("cool_down_minutes", "Minutes between two", Kind.COUNT),
            Field(
                "counts", "Of several, what counts is", Kind.CHOICE, choices=list(_COUNTS.items())
            ),
        ),
        "Teams": (
            Field(
                "team_size",
                "Most members of a team",
                Kind.COUNT,
                "1: everybody alone. What one of a team hands in is everybody's.",
            ),
            Field("teams_by", "Put together by", Kind.CHOICE, choices=list(_TEAMS.items())),
        ),
        "What students see, and when": (
            Field("scores", "Scores and reports", Kind.RELEASE, choices=_RELEASES),
            Field("hints", "Hints", Kind.RELEASE, choices=_RELEASES),
            Field("comments", "Comments", Kind.RELEASE, choices=_RELEASES),
        ),
        "In the total": (
            *(in_total if groups else []),
            Field(
                "bonus",
                "Bonus",
                Kind.FLAG,
                "Its points are added, and nobody needs them to reach everything.",
            ),
        ),
        "Grading": (
            Field(
                "source_policy",
                "A forbidden call",
                Kind.CHOICE,
                choices=list(_POLICIES.items()),
            ),
            Field("device", "Computed on", help="cpu, or cuda where there are such graders."),
        ),
        "Marking by hand": (
            Field("anonymous_marking", "Without names", Kind.FLAG),
            Field(
                "double_marking",
                "By two markers",
                Kind.FLAG,
                "Neither sees the other's mark before both are in.",
            ),
            Field(
                "settle_beyond",
                "Points apart that stand",
                Kind.NUMBER,
                "Two marks that are further apart are settled by a third; else their mean counts.",
            ),
        ),
    }


def typed(fields: Sequence[Field], form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, to be shown again as it was."""
    found = {field.name: form.get(field.name, "").replace("\r\n", "\n") for field in fields}
    for field in fields:
        if field.kind is Kind.RELEASE:
            found[f"{field.name}_date"] = form.get(f"{field.name}_date", "")
    return found


def count(form: Mapping[str, str], name: str) -> int:
    """A whole number that was typed.

    Raises:
        CourseError: it is none.
    """
    said = form.get(name, "").strip()
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise CourseError(f"{name}: {said[:40]!r} is no whole number.", name)
    return int(said)


def table(fields: Sequence[Field], said: Typed) -> dict[str, Any]:
    """What a file would say; what is empty is left out.

    Raises:
        CourseError: something is no number, or no time.
    """
    found = {field.name: _value(field, said) for field in fields}
    return {name: value for name, value in found.items() if value is not None}


def filled(fields: Sequence[Field], found: Mapping[str, Any]) -> dict[str, str]:
    """What is typed to say what the file does."""
    said = {}
    for field in fields:
        value = found.get(field.name)
        if field.kind is Kind.RELEASE:
            is_date = isinstance(value, datetime)
            said[field.name] = FROM if is_date else str(value or "at once")
            said[f"{field.name}_date"] = _moment(value) if is_date else ""
        elif field.kind is Kind.FLAG:
            said[field.name] = "yes" if value else ""
        elif isinstance(value, datetime):
            said[field.name] = _moment(value)
        elif isinstance(value, float):
            said[field.name] = f"{value:.10g}"
        else:
            said[field.name] = "" if value is None else str(value)
    return said


def _moment(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M}"


def _value(field: Field, said: Typed) -> Any:
    text = said.get(field.name, "").strip()
    if field.kind is Kind.FLAG:
        return True if text else None
    if field.kind is Kind.RELEASE:
        if text != FROM:
            return text or None
        text = said.get(f"{field.name}_date", "").strip()
        if not text:
            raise CourseError(f"{field.label}: from which date on?", field.name)
    if not text:
        return None
    try:
        if field.kind is Kind.NUMBER:
            return float(text)
        if field.kind is Kind.COUNT:
            return int(text)
        if field.kind in (Kind.MOMENT, Kind.RELEASE):
            return datetime.fromisoformat(text)
    except ValueError:
        what = "time" if field.kind in (Kind.MOMENT, Kind.RELEASE) else "number"
        raise CourseError(f"{field.label}: {text[:40]!r} is no {what}.", field.name) from None
    return text
