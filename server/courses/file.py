"""A course in the database as the `course.toml` that it would come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from server.courses.spec import ASSIGNMENT, COURSE, GROUP, ITEM, PART, POLICY, RELEASES
from server.grades import moments
from server.grades.release import Part
from server.parts import rubric
from server.storage import models
from server.storage.models import Assignment, Course, GradeGroup

Document = dict[str, Any]
_TABLES = ("parts", "rubric")


def document(session: Session, course: Course) -> Document:
    """What `spec.check` takes, and makes the course of that there is. What a key says by itself
    when it is left out, is left out."""
    zone = ZoneInfo(course.timezone)
    groups = GradeGroup.of(session, course)
    slugs = {group.id: group.slug for group in groups}
    return {
        "course": _kept(COURSE, {key.name: getattr(course, key.name) for key in COURSE}),
        "groups": [_kept(GROUP, {key.name: getattr(g, key.name) for key in GROUP}) for g in groups],
        "assignments": [
            assignment_table(
                row,
                slugs,
                zone,
                [(part, rubric.items(session, part)) for part in models.Part.of(session, row)],
            )
            for row in Assignment.of(session, course)
        ],
    }


def assignment_table(
    assignment: Assignment,
    groups: Mapping[int, str],
    zone: ZoneInfo,
    parts: Sequence[tuple[models.Part, Sequence[models.RubricItem]]],
) -> Document:
    """Its table in the file.

    Args:
        groups: the slugs of the course's groups, by their numbers.
        parts: what people mark of it, with the rubrics.
    """
    values = {key.name: getattr(assignment, key.name, None) for key in (*ASSIGNMENT, *POLICY)}
    values["parts"] = [_part_table(*part) for part in parts] or None
    values["opens"] = wall(assignment.opens_at, zone)
    values["due"] = wall(assignment.due_at, zone)
    values["late_until"] = wall(assignment.late_until, zone)
    values["group"] = groups.get(assignment.group_id or 0)
    for part in Part:
        begins = getattr(assignment, f"{part}_from")
        words = {moment: said for said, moment in RELEASES.items()}
        values[part.value] = words[begins] if begins in words else wall(begins, zone)
    return _kept((*ASSIGNMENT, *POLICY), values)


def _part_table(part: models.Part, items: Sequence[models.RubricItem]) -> Document:
    values = {key.name: getattr(part, key.name, None) for key in PART}
    values["rubric"] = [{key.name: getattr(i, key.name) for key in ITEM} for i in items] or None
    return _kept(PART, values)


def wall(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """What the zone's clock shows; with its offset where it shows that twice."""
    if moment is None:
        return None
    there = moment.astimezone(zone)
    shown = there.replace(tzinfo=None, fold=0)
    try:
        moments.at(shown, zone)
    except moments.NoSuchTime:
        return there
    return shown


def dump(found: Document) -> str:
    """As TOML."""
    lines = ["[course]", *_lines(found["course"])]
    for name in ("groups", "assignments"):
        for table in found[name]:
            lines += ["", f"[[{name}]]", *_lines(table)]
            for part in table.get("parts", ()):
                lines += ["", f"[[{name}.parts]]", *_lines(part)]
                for item in part.get("rubric", ()):
                    lines += ["", f"[[{name}.parts.rubric]]", *_lines(item)]
    return "\n".join([*lines, ""])


def _kept(keys: Any, values: Mapping[str, Any]) -> Document:
    return {
        key.name: values[key.name]
        for key in keys
        if values[key.name] is not None
        and values[key.name] != key.default
        and (key.default is not None or values[key.name] != "at once")
    }


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items() if name not in _TABLES]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    # A basic string of TOML is JSON's, but that TOML knows no bare DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
