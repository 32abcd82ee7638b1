"""Bring an assignment's parts that are marked by hand in line with what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.courses.spec import CourseError, PartSpec
from server.grades import by_hand
from server.storage.models import Answer, Assignment, Part, RubricItem


def sync_parts(session: Session, assignment: Assignment, wanted: Sequence[PartSpec]) -> list[str]:
    """Add, change and remove parts; return what changed, a sentence each. Rubrics stay as they
    are, and marks make what they make of the points that a part has then: the grades are to be
    refreshed.

    Raises:
        CourseError: it would take away what students have answered.
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
        if row is None:
            session.add(Part(assignment_id=assignment.id, position=position, **asdict(spec)))
            changes.append(f"assignment {assignment.slug}: part {spec.slug} created")
            continue
        if row.kind is not spec.kind and _has_answers(session, row):
            raise CourseError(
                f"The part {spec.slug!r} of {assignment.slug!r} has answers, so its kind stays "
                f"{row.kind.value!r}."
            )
        values = asdict(spec) | {"position": position}
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, values[name])
        if changed:
            by_hand.rescore(session, row)
            said = ", ".join(changed)
            changes.append(f"assignment {assignment.slug}: part {spec.slug} changed ({said})")
    return changes


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
