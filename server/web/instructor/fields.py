"""The keys of a `course.toml` as fields of a form: what is typed becomes what a file would say, and
the same rules judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _

from server.courses import CourseError
from server.language import N_
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
    Counts.BEST: _("the best one"),
    Counts.LAST: _("the last one"),
    Counts.LAST_BEFORE_DUE: _("the last one before the due date"),
}
_POLICIES = {
    SourcePolicy.NOTHING: _("costs nothing, and staff see it"),
    SourcePolicy.WARNING: _("costs nothing, and the student sees it, too"),
    SourcePolicy.ZERO: _("costs the exercise's points"),
}
_ROUNDING = {Rounding.HALF_UP: _("to the nearest"), Rounding.UP: _("up"), Rounding.DOWN: _("down")}
_FREE_DAYS = {
    FreeDays.AUTOMATICALLY: _("by themselves, in the order of due dates"),
    FreeDays.AS_CHOSEN: _("where the student says so"),
}
_TEAMS = {TeamsBy.STUDENTS: _("students, who join by a code"), TeamsBy.STAFF: _("the staff")}
_RELEASES = (
    ("at once", _("at once")),
    ("when published", _("when I publish them")),
    (FROM, _("from a date on")),
)

NEW_COURSE = (
    Field("title", _("Title"), required=True),
    Field(
        "slug",
        _("Name in addresses"),
        help=_("Lower-case letters, digits and hyphens. It stays as it is."),
        required=True,
    ),
    Field(
        "timezone",
        _("Time zone"),
        Kind.CHOICE,
        _("Of all dates, and of the days by which attempts and late days are counted."),
        [(zone, zone) for zone in sorted(available_timezones())],
        required=True,
    ),
)
COURSE = (
    NEW_COURSE[0],
    NEW_COURSE[2],
    Field("notice", _("Notice"), help=_("A sentence on every page of the course; empty: none.")),
    Field(
        "text",
        _("Text for students"),
        Kind.AREA,
        _("Markdown, with formulas between $ signs: it stands on the course's page."),
    ),
    Field(
        "round_to", _("Round totals to multiples of"), Kind.NUMBER, _("Such as 0.5; empty: as is.")
    ),
    Field("rounding", _("Rounded"), Kind.CHOICE, choices=list(_ROUNDING.items())),
    Field(
        "free_days",
        _("Free days of each student"),
        Kind.COUNT,
        _("So many days late cost nothing, over the whole term."),
    ),
    Field("free_days_used", _("They are used"), Kind.CHOICE, choices=list(_FREE_DAYS.items())),
)

GROUP = (
    Field("title", _("Group")),
    Field("slug", _("Name in files")),
    Field("weight", _("Weight"), Kind.NUMBER),
    Field("drop_lowest", _("Lowest left out"), Kind.COUNT),
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
        _("Name in addresses"),
        help=_("Lower-case letters, digits and hyphens. It stays as it is."),
        required=True,
    )
    topic = Field(
        "topic",
        _("What is graded"),
        Kind.CHOICE,
        _("It stays as it is once something is handed in."),
        list(topics.items()),
        required=True,
    )
    in_total = [
        Field(
            "group",
            _("Group"),
            Kind.CHOICE,
            choices=[("", _("none: not in the total")), *groups],
        ),
        Field("weight", _("Weight in its group"), Kind.NUMBER, _("Empty: its points.")),
    ]
    return {
        N_("What it is"): (
            Field("title", _("Title"), required=True),
            *([slug] if new else []),
            topic,
            Field("points", _("Points"), Kind.NUMBER, required=True),
            Field(
                "text",
                _("Text for students"),
                Kind.AREA,
                _("Markdown, with formulas between $ signs: it stands above the exercises."),
            ),
            Field("hidden", _("Hidden from students"), Kind.FLAG),
        ),
        N_("Dates"): (
            Field("opens", _("Opens"), Kind.MOMENT, required=True),
            Field("due", _("Due"), Kind.MOMENT, required=True),
            Field("late_until", _("Late until"), Kind.MOMENT, _("Empty: nothing is taken late.")),
            Field("late_penalty", _("Percent lost per day late"), Kind.NUMBER),
            Field(
                "window_minutes",
                _("Minutes from pressing Start on"),
                Kind.COUNT,
                _("For an exam: each student's own time. Empty: until the assignment ends."),
            ),
        ),
        N_("Attempts"): (
            Field("attempts", _("Attempts in all"), Kind.COUNT, _("Empty: no limit.")),
            Field("attempts_per_day", _("Attempts per day"), Kind.COUNT, _("Empty: no limit.")),
            Field("cool_down_minutes", _("Minutes between two"), Kind.COUNT),
            Field(
                "counts",
                _("Of several, what counts is"),
                Kind.CHOICE,
                choices=list(_COUNTS.items()),
            ),
        ),
        N_("Teams"): (
            Field(
                "team_size",
                _("Most members of a team"),
                Kind.COUNT,
                _("1: everybody alone. What one of a team hands in is everybody's."),
            ),
            Field("teams_by", _("Put together by"), Kind.CHOICE, choices=list(_TEAMS.items())),
        ),
        N_("What students see, and when"): (
            Field("scores", _("Scores and reports"), Kind.RELEASE, choices=_RELEASES),
            Field("hints", _("Hints"), Kind.RELEASE, choices=_RELEASES),
            Field("comments", _("Comments"), Kind.RELEASE, choices=_RELEASES),
        ),
        N_("In the total"): (
            *(in_total if groups else []),
            Field(
                "bonus",
                _("Bonus"),
                Kind.FLAG,
                _("Its points are added, and nobody needs them to reach everything."),
            ),
        ),
        N_("Grading"): (
            Field(
                "source_policy",
                _("A forbidden call"),
                Kind.CHOICE,
                choices=list(_POLICIES.items()),
            ),
            Field("device", _("Computed on"), help=_("cpu, or cuda where there are such graders.")),
        ),
        N_("Marking by hand"): (
            Field("anonymous_marking", _("Without names"), Kind.FLAG),
            Field(
                "double_marking",
                _("By two markers"),
                Kind.FLAG,
                _("Neither sees the other's mark before both are in."),
            ),
            Field(
                "settle_beyond",
                _("Points apart that stand"),
                Kind.NUMBER,
                _(
                    "Two marks that are further apart are settled by a third; else their mean "
                    "counts."
                ),
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
        raise CourseError(
            _("%(name)s: %(said)s is no whole number.", name=name, said=repr(said[:40])), name
        )
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
            raise CourseError(_("%(label)s: from which date on?", label=field.label), field.name)
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
        is_time = field.kind in (Kind.MOMENT, Kind.RELEASE)
        no_time, no_number = (
            N_("%(label)s: %(said)s is no time."),
            N_("%(label)s: %(said)s is no number."),
        )
        wrong = _(no_time if is_time else no_number, label=field.label, said=repr(text[:40]))
        raise CourseError(wrong, field.name) from None
    return text
