"""Bring an assignment's parts that are marked by hand in line with what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.courses.spec import CourseError, ItemSpec, PartSpec
from server.grades import by_hand
from server.parts import rubric
from server.storage.models import Answer, Assignment, MarkItem, Part, RubricItem, User


def sync_parts(
    session: Session,
    assignment: Assignment,
    wanted: Sequence[PartSpec],
    *,
    at: datetime,
    actor: User | None,
) -> list[str]:
    """Add, change and remove parts and, where they say theirs, items of rubrics; return what
    changed, a sentence each. Marks make what they make of the points that a part and its items have
    then: the grades are to be refreshed.

    Raises:
        CourseError: it would take away what students have answered, or what marks are given for.
    """
    there = {part.slug: part for part in Part.of(session, assignment)}
    changes = []
    for slug in sorted(there.keys() - {part.slug for part in wanted}):
        if _has_answers(session, there[slug]):
            raise CourseError(
                f"The part {slug!r} of {assignment.slug!r} has answers, so it must stay."
            )
        _remove(session, there[slug])
        changes.append(f"assignment {assignment.slug}: part {slug} removed")
    for position, spec in enumerate(wanted):
        row = there.get(spec.slug)
        values = _values(spec) | {"position": position}
        if row is None:
            row = Part(assignment_id=assignment.id, **values)
            session.add(row)
            session.flush()
            _rubric(session, assignment, row, spec.rubric, at, actor)
            changes.append(f"assignment {assignment.slug}: part {spec.slug} created")
            continue
        if row.kind is not spec.kind and _has_answers(session, row):
            raise CourseError(
                f"The part {spec.slug!r} of {assignment.slug!r} has answers, so its kind stays "
                f"{row.kind.value!r}."
            )
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, values[name])
        if changed:
            by_hand.rescore(session, row)
            said = ", ".join(changed)
            changes.append(f"assignment {assignment.slug}: part {spec.slug} changed ({said})")
        if _rubric(session, assignment, row, spec.rubric, at, actor):
            changes.append(f"assignment {assignment.slug}: rubric of part {spec.slug} changed")
    return changes


def _values(spec: PartSpec) -> dict[str, Any]:
    return {name: value for name, value in asdict(spec).items() if name != "rubric"}


def _rubric(
    session: Session,
    assignment: Assignment,
    part: Part,
    wanted: Sequence[ItemSpec] | None,
    at: datetime,
    actor: User | None,
) -> bool:
    """Whether something changed. An item is known by its text."""
    if wanted is None:
        return False
    there = rubric.items(session, part)
    before, left = [item.id for item in there], list(there)
    known: list[RubricItem | None] = []
    for spec in wanted:
        item = next((item for item in left if item.text == spec.text), None)
        known.append(item)
        if item is not None:
            left.remove(item)
    for item in left:
        if _is_given(session, item):
            raise CourseError(
                f"The item {item.text[:60]!r} of the part {part.slug!r} of {assignment.slug!r} is "
                "in marks, so it must stay: it is changed and removed where answers are marked."
            )
        rubric.remove(session, part, item, at=at, actor=actor)
    changed, now = False, []
    for spec, item in zip(wanted, known, strict=True):
        if item is None:
            item = rubric.add(session, part, spec.text, spec.points, at=at, actor=actor)
        elif item.points != spec.points:
            rubric.change(session, part, item, spec.text, spec.points, at=at, actor=actor)
            changed = True
        now.append(item)
    if [item.id for item in now] == before:
        return changed
    for position, item in enumerate(now):
        item.position = position
    return True


def _is_given(session: Session, item: RubricItem) -> bool:
    query = select(MarkItem.mark_id).where(MarkItem.item_id == item.id)
    return session.scalar(query.limit(1)) is not None


def remove_parts(session: Session, assignment: Assignment) -> None:
    """Remove all of an assignment that nobody has answered to."""
    for part in Part.of(session, assignment):
        _remove(session, part)


def _remove(session: Session, part: Part) -> None:
    session.execute(delete(RubricItem).where(RubricItem.part_id == part.id))
    session.delete(part)
    session.flush()


def _has_answers(session: Session, part: Part) -> bool:
    return session.scalar(select(Answer.id).where(Answer.part_id == part.id).limit(1)) is not None
