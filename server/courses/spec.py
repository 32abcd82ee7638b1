"""What a `course.toml` may say, and what it says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from server.grades import moments
from server.grades.moments import NoSuchTime
from server.parts.rubric import MOST_ITEMS
from server.storage.models import (
    WHEN_PUBLISHED,
    Counts,
    FreeDays,
    PartKind,
    Rounding,
    SourcePolicy,
    TeamsBy,
)


class CourseError(ValueError):
    """The file is not valid; the message is one sentence that names the key.

    Attributes:
        key: which one, where it is one.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class ItemSpec:
    """A reason for points."""

    text: str
    points: float


@dataclass(frozen=True)
class PartSpec:
    """What people mark."""

    slug: str
    kind: PartKind
    title: str
    prompt: str
    points: float
    deducts: bool = False
    rubric: tuple[ItemSpec, ...] | None = None  # None: as it is


@dataclass(frozen=True)
class AssignmentSpec:
    slug: str
    topic: str
    title: str
    points: float
    opens_at: datetime
    due_at: datetime
    late_until: datetime | None
    late_penalty: float
    attempts: int | None
    attempts_per_day: int | None
    cool_down_minutes: int
    counts: Counts
    source_policy: SourcePolicy
    device: str
    # From when on students see what grading found; None: at once.
    hints_from: datetime | None = None
    scores_from: datetime | None = None
    comments_from: datetime | None = None
    window_minutes: int | None = None
    team_size: int = 1
    teams_by: TeamsBy = TeamsBy.STUDENTS
    anonymous_marking: bool = False
    double_marking: bool = False
    settle_beyond: float = 0.0
    parts: tuple[PartSpec, ...] = ()
    text: str = ""
    hidden: bool = False
    group: str | None = None  # the slug of one of the course's
    weight: float | None = None
    bonus: bool = False


@dataclass(frozen=True)
class GroupSpec:
    slug: str
    title: str
    weight: float
    drop_lowest: int


@dataclass(frozen=True)
class CourseSpec:
    slug: str
    title: str
    timezone: str
    assignments: tuple[AssignmentSpec, ...]
    notice: str = ""
    text: str = ""
    round_to: float | None = None
    rounding: Rounding = Rounding.HALF_UP
    free_days: int = 0
    free_days_used: FreeDays = FreeDays.AUTOMATICALLY
    groups: tuple[GroupSpec, ...] = ()


@dataclass(frozen=True)
class Key:
    """A key of the file: how its value is read (`take` raises ValueError), and in which words it
    is said what is allowed."""

    name: str
    take: Callable[[Any], Any]
    allowed: str
    default: Any = ...  # ...: it must be given


def read(text: str, topics: Collection[str]) -> CourseSpec:
    """
    Args:
        topics: what the catalogue can grade.

    Raises:
        CourseError: naming the key and what is allowed.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"The file is not valid TOML: {error}.") from None
    return check(document, topics)


def check(document: Mapping[str, Any], topics: Collection[str]) -> CourseSpec:
    """The same for what a file has been parsed to, or what a page has made.

    Raises:
        CourseError: naming the key and what is allowed.
    """
    _only(document, ("course", "policy", "groups", "assignments"), "the file")
    course = _take(_table(document, "course"), COURSE, "[course]")
    zone = ZoneInfo(course["timezone"])
    policy_keys = _policy_keys(zone)
    assignment_keys = (*_assignment_keys(topics, zone), *policy_keys)
    policy = _table(document, "policy") if "policy" in document else {}
    _take(policy, policy_keys, "[policy]")
    groups: list[GroupSpec] = []
    for where, table in _tables(document, "groups"):
        group = GroupSpec(**_take(table, GROUP, where))
        if group.slug in {other.slug for other in groups}:
            raise CourseError(f"{where}: slug is that of an earlier group; choose another.", "slug")
        groups.append(group)
    assignments: list[AssignmentSpec] = []
    for where, table in _tables(document, "assignments"):
        spec = _assignment(_take({**policy, **table}, assignment_keys, where), where)
        if spec.slug in {other.slug for other in assignments}:
            raise CourseError(
                f"{where}: slug is that of an earlier assignment; choose another.", "slug"
            )
        if spec.group is not None and spec.group not in {group.slug for group in groups}:
            known = ", ".join(group.slug for group in groups) or "none"
            raise CourseError(
                f"{where}: group = {spec.group!r} is no group of the course: there are {known}.",
                "group",
            )
        if spec.weight is not None and spec.group is None:
            raise CourseError(f"{where}: weight is that within a group: it needs group.", "weight")
        assignments.append(spec)
    return CourseSpec(groups=tuple(groups), assignments=tuple(assignments), **course)


def _tables(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(where it stands, the table) of each table of an array."""
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise CourseError(f"{name} must be tables: begin each with [[{name}]].")
    for number, table in enumerate(tables, 1):
        yield f"[[{name}]] {table.get('slug', number)!r}", table


def _assignment(values: dict[str, Any], where: str) -> AssignmentSpec:
    opens, due, late = values.pop("opens"), values.pop("due"), values["late_until"]
    if opens >= due:
        raise CourseError(f"{where}: due must be later than opens.", "due")
    if late is not None and late < due:
        raise CourseError(f"{where}: late_until must not be earlier than due.", "late_until")
    released = {f"{part}_from": values.pop(part) for part in ("hints", "scores", "comments")}
    parts = parts_of(values.pop("parts"), values["points"], where)
    if values["team_size"] > 1 and (parts or values["window_minutes"]):
        alone = "parts that are marked by hand" if parts else "a window of each student's own"
        raise CourseError(
            f"{where}: an assignment for teams cannot have {alone}: leave out team_size.",
            "team_size",
        )
    return AssignmentSpec(opens_at=opens, due_at=due, parts=parts, **released, **values)


def parts_of(
    tables: Collection[Mapping[str, Any]], points: float, where: str
) -> tuple[PartSpec, ...]:
    """An assignment's parts that are marked by hand, as tables of `PART`.

    Args:
        points: the assignment's, of which these are a part.

    Raises:
        CourseError: naming the key and what is allowed.
    """
    if len(tables) > MOST_PARTS:
        raise CourseError(f"{where} has {len(tables)} parts; {MOST_PARTS} are allowed.")
    parts: list[PartSpec] = []
    for number, table in enumerate(tables, 1):
        here = f"{where}, part {table.get('slug', number)!r}"
        try:
            values = _take(table, PART, here)
            values["rubric"] = _rubric(values["rubric"], here)
        except CourseError as error:
            raise CourseError(str(error), "parts") from None
        part = PartSpec(**values)
        if part.slug in {other.slug for other in parts}:
            raise CourseError(f"{here}: slug is that of an earlier part; choose another.")
        parts.append(part)
    together = sum(part.points for part in parts)
    if together > points + 1e-9:
        raise CourseError(
            f"{where}: its parts are worth {together:g} points together, more than its {points:g}."
        )
    return tuple(parts)


def _rubric(tables: Sequence[Mapping[str, Any]] | None, where: str) -> tuple[ItemSpec, ...] | None:
    if tables is None:
        return None
    if len(tables) > MOST_ITEMS:
        raise CourseError(f"{where}: its rubric has {len(tables)} items; {MOST_ITEMS} are allowed.")
    return tuple(
        ItemSpec(**_take(table, ITEM, f"{where}, item {number} of its rubric"))
        for number, table in enumerate(tables, 1)
    )


def _take(table: Mapping[str, Any], keys: Collection[Key], where: str) -> dict[str, Any]:
    _only(table, [key.name for key in keys], where)
    values = {}
    for key in keys:
        if key.name not in table:
            if key.default is ...:
                raise CourseError(f"{where} lacks {key.name}: {key.allowed}.", key.name)
            values[key.name] = key.default
            continue
        try:
            values[key.name] = key.take(table[key.name])
        except NoSuchTime as error:
            written = " or ".join(moment.isoformat() for moment in error.meant)
            raise CourseError(
                f"{where}: {key.name}: {error}" + (f" Or write {written}." if written else ""),
                key.name,
            ) from None
        except ValueError:
            value = table[key.name]
            raise CourseError(
                f"{where}: {key.name} = {_shown(value)} is not allowed: it must be {key.allowed}.",
                key.name,
            ) from None
    return values


def _only(table: Mapping[str, Any], allowed: Collection[str], where: str) -> None:
    for name in table:
        if name not in allowed:
            raise CourseError(f"{where} has no key {name!r}: there are {', '.join(allowed)}.")


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name)
    if not isinstance(table, dict):
        raise CourseError(f"The file lacks the table [{name}].")
    return table


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, date) else repr(value)  # a datetime is a date, too
    return text if len(text) <= 60 else text[:57] + "..."


# How values are read.


def _slug(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", value):
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 200:
        raise ValueError
    return value.strip()


def _long_text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 20_000:
        raise ValueError
    return value.strip()


def _markdown(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or "\0" in value:
        raise ValueError
    return value.replace("\r\n", "\n").strip()


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _reason(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 500:
        raise ValueError
    return value.strip()


def _tables_of(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError
    return value


def _timezone(value: object) -> str:
    if not isinstance(value, str) or value not in available_timezones():
        raise ValueError
    return value


def _number(least: float, most: float) -> Callable[[object], float]:
    def take(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not least <= value <= most:
            raise ValueError
        return float(value)

    return take


def _count(least: int, most: int) -> Callable[[object], int]:
    def take(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return take


def _word(words: type[StrEnum]) -> Callable[[object], StrEnum]:
    return lambda value: words(str(value))


def _moment(zone: ZoneInfo) -> Callable[[object], datetime]:
    def take(value: object) -> datetime:
        if not isinstance(value, datetime):
            raise ValueError
        return moments.at(value, zone) if value.tzinfo is None else value.astimezone(UTC)

    return take


def _release(zone: ZoneInfo) -> Callable[[object], datetime | None]:
    moment = _moment(zone)

    def take(value: object) -> datetime | None:
        return RELEASES[value] if isinstance(value, str) and value in RELEASES else moment(value)

    return take


def _device(value: object) -> str:
    """A kind of device of torch's: which of them is the grader's to choose."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{1,16}", value):
        raise ValueError
    return value


def _one_of(words: Collection[str]) -> str:
    return "one of " + ", ".join(f'"{word}"' for word in words)


_LONGEST_TEXT = 50_000  # characters
_SLUG = 'lower-case letters, digits and hyphens, such as "homework-1"'
_TITLE = "a text of up to 200 characters"
_MOMENT = "a date with a time, such as 2027-01-31 23:59:00 (without offset: in the course's zone)"

# When something is shown, in words.
RELEASES = {"at once": None, "when published": WHEN_PUBLISHED}
_RELEASE = f"{_one_of(RELEASES)}, or {_MOMENT}"

COURSE = (
    Key("slug", _slug, _SLUG),
    Key("title", _text, _TITLE),
    Key("timezone", _timezone, 'the name of a time zone, such as "Europe/Berlin"'),
    Key("notice", _text, _TITLE, ""),
    Key("text", _markdown, f"Markdown of up to {_LONGEST_TEXT} characters", ""),
    Key("round_to", _number(0.001, 1000), "the step of rounded totals, such as 0.5", None),
    Key("rounding", _word(Rounding), _one_of(list(Rounding)), Rounding.HALF_UP),
    Key("free_days", _count(0, 100), "days that each student may be late for nothing", 0),
    Key("free_days_used", _word(FreeDays), _one_of(list(FreeDays)), FreeDays.AUTOMATICALLY),
)
GROUP = (
    Key("slug", _slug, _SLUG),
    Key("title", _text, _TITLE),
    Key("weight", _number(0, 100_000), "the group's weight in the total, from 0 on"),
    Key("drop_lowest", _count(0, 1000), "how many of the lowest are left out, from 0 on", 0),
)


def _policy_keys(zone: ZoneInfo) -> tuple[Key, ...]:
    release = _release(zone)
    return (
        *_LIMITS,
        Key("hints", release, _RELEASE, None),
        Key("scores", release, _RELEASE, None),
        Key("comments", release, _RELEASE, None),
    )


_LIMITS = (
    Key("late_penalty", _number(0, 100), "the percent lost per day begun, from 0 to 100", 0.0),
    Key("attempts", _count(1, 10_000), "how many may be handed in, from 1 on", None),
    Key("attempts_per_day", _count(1, 1000), "how many per day, from 1 on", None),
    Key("cool_down_minutes", _count(0, 10_080), "minutes between two attempts, from 0 on", 0),
    Key("window_minutes", _count(1, 10_080), "minutes from pressing Start on", None),
    Key("team_size", _count(1, 50), "how many hand in together at most, from 1 on", 1),
    Key("teams_by", _word(TeamsBy), _one_of(list(TeamsBy)), TeamsBy.STUDENTS),
    Key("counts", _word(Counts), _one_of(list(Counts)), Counts.BEST),
    Key("source_policy", _word(SourcePolicy), _one_of(list(SourcePolicy)), SourcePolicy.WARNING),
    Key("device", _device, 'what its graders compute on: "cpu", "cuda"', "cpu"),
    Key("anonymous_marking", _flag, "true or false", False),
    Key("double_marking", _flag, "true or false", False),
    Key("settle_beyond", _number(0, 100_000), "points, from 0 on", 0.0),
)
MOST_PARTS = 50
_MOST_POINTS = 10_000  # of an item of a rubric
PART = (
    Key("slug", _slug, _SLUG),
    Key("kind", _word(PartKind), _one_of(list(PartKind)), PartKind.TEXT),
    Key("title", _text, _TITLE),
    Key("prompt", _long_text, "a text of up to 20,000 characters"),
    Key("points", _number(0.01, 100_000), "what it is worth, above 0"),
    Key("deducts", _flag, "true or false", False),
    Key("rubric", _tables_of, "tables: begin each with [[assignments.parts.rubric]]", None),
)
ITEM = (
    Key("text", _reason, "a text of up to 500 characters"),
    Key("points", _number(-_MOST_POINTS, _MOST_POINTS), "points given, or taken with a minus sign"),
)


def _assignment_keys(topics: Collection[str], zone: ZoneInfo) -> tuple[Key, ...]:
    def topic(value: object) -> str:
        if not isinstance(value, str) or value not in topics:
            raise ValueError
        return value

    moment = _moment(zone)
    return (
        Key("slug", _slug, _SLUG),
        Key("topic", topic, _one_of(topics)),
        Key("title", _text, _TITLE),
        Key("points", _number(0.01, 100_000), "what it is worth, above 0"),
        Key("opens", moment, _MOMENT),
        Key("due", moment, _MOMENT),
        Key("late_until", moment, _MOMENT, None),
        Key("parts", _tables_of, "tables: begin each with [[assignments.parts]]", ()),
        Key("text", _markdown, f"Markdown of up to {_LONGEST_TEXT} characters", ""),
        Key("hidden", _flag, "true or false", False),
        Key("group", _slug, "the slug of one of the course's [[groups]]", None),
        Key("weight", _number(0.001, 100_000), "its weight in its group, above 0", None),
        Key("bonus", _flag, "true or false", False),
    )


POLICY = _policy_keys(ZoneInfo("UTC"))
ASSIGNMENT = _assignment_keys((), ZoneInfo("UTC"))
