"""A copy of a course in memory, in which a change can be tried while nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Table, create_engine, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from server.storage.database import Database
from server.storage.models import (
    Adjustment,
    Answer,
    Assignment,
    Base,
    Course,
    Enrolment,
    Extension,
    FreeDaysChosen,
    Grade,
    GradeGroup,
    Mark,
    MarkItem,
    Part,
    RubricItem,
    Submission,
    Team,
    TeamMember,
    User,
)

# What no grade follows from, and is secret or long.
_LEFT_OUT: dict[str, dict[str, Any]] = {
    "courses": {"secret": b""},
    "submissions": {"report": None},
    "answers": {"text": ""},
}
_AT_ONCE = 2000  # rows


@contextmanager
def rehearsal(database: Database, course: int, actor: int) -> Iterator[Session]:
    """All that the grades of a course follow from, and nothing of other courses. What is changed
    there is gone at the end.

    Args:
        actor: the user who tries something.
    """
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        Base.metadata.create_all(engine)
        with database.read() as there, engine.begin() as here:
            for table, whose in _tables(course, actor):
                missing = _LEFT_OUT.get(table.name, {})
                columns = [column for column in table.columns if column.name not in missing]
                rows = there.execute(select(*columns).where(whose)).mappings()
                for some in rows.partitions(_AT_ONCE):
                    here.execute(insert(table), [{**row, **missing} for row in some])
        with Session(engine, expire_on_commit=False) as session:
            yield session
    finally:
        engine.dispose()


def _tables(course: int, actor: int) -> list[tuple[Table, ColumnElement[bool]]]:
    """Each table with the condition by which a row is of the course."""
    assignments = select(Assignment.id).where(Assignment.course_id == course)
    parts = select(Part.id).where(Part.assignment_id.in_(assignments))
    marks = select(Mark.id).where(Mark.assignment_id.in_(assignments))
    of_assignments = (
        Submission,
        Extension,
        FreeDaysChosen,
        Adjustment,
        Grade,
        Part,
        Answer,
        Mark,
        Team,
        TeamMember,
    )
    found: list[tuple[type[Base], ColumnElement[bool]]] = [
        (Course, Course.id == course),
        (User, User.id == actor),
        (GradeGroup, GradeGroup.course_id == course),
        (Assignment, Assignment.course_id == course),
        (Enrolment, Enrolment.course_id == course),
        *((table, table.assignment_id.in_(assignments)) for table in of_assignments),
        (RubricItem, RubricItem.part_id.in_(parts)),
        (MarkItem, MarkItem.mark_id.in_(marks)),
    ]
    return [(Base.metadata.tables[table.__tablename__], whose) for table, whose in found]
