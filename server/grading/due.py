"""What is due: what waits and may be graded by now, and what has lost its grader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.grading import meters
from server.storage.models import (
    Assignment,
    Regrade,
    RegradeItem,
    SelfCheck,
    State,
    Submission,
    Work,
)

# In the order of claiming.
TABLES: tuple[type[Work], ...] = (Submission, SelfCheck, RegradeItem)
REGRADES_SHARE = 10  # of so many claims one is a regrade's, however much else is due


def waits(table: type[Work], now: datetime) -> ColumnElement[bool]:
    return and_(table.state == State.WAITING, table.not_before <= now)


def lost(table: type[Work], now: datetime) -> ColumnElement[bool]:
    """Its grader has given no sign of life for longer than the lease."""
    return and_(table.state == State.GRADING, table.lease_until < now)


def on_device(table: type[Work], device: str) -> ColumnElement[bool]:
    """What is to be graded on this kind of device."""
    kind = device.partition(":")[0]
    assignments = select(Assignment.id).where(Assignment.device == kind)
    if table is RegradeItem:
        regrades = select(Regrade.id).where(Regrade.assignment_id.in_(assignments))
        return RegradeItem.regrade_id.in_(regrades)
    return _assignment(table).in_(assignments)


def _assignment(table: type[Work]) -> InstrumentedAttribute[int]:
    return SelfCheck.assignment_id if table is SelfCheck else Submission.assignment_id


@dataclass(frozen=True)
class Glance:
    """What one look at the database has seen, for one kind of device."""

    lost: Sequence[type[Work]]  # the tables in which something has lost its grader
    due: Sequence[type[Work]]  # those in which something is due, the one to claim from first


def glance(session: Session, device: str, now: datetime) -> Glance:
    """One statement: idle graders look often, and must not keep an upload from writing.

    Submissions come first, then what students only want checked; but for a share, so that regrades
    do not starve.
    """
    columns = [exists().where(lost(table, now)) for table in TABLES]
    columns += [exists().where(waits(table, now), on_device(table, device)) for table in TABLES]
    *found, claimed = session.execute(select(*columns, meters.claims())).one()
    ordered = list(zip(TABLES, found[len(TABLES) :], strict=True))
    if (claimed or 0) % REGRADES_SHARE == REGRADES_SHARE - 1:
        ordered.insert(0, ordered.pop())
    return Glance(
        [table for table, some in zip(TABLES, found, strict=False) if some],
        [table for table, some in ordered if some],
    )


def by_device(session: Session, now: datetime) -> dict[str, int]:
    """How many are due, or have lost their grader, by the kind of device."""
    due: dict[str, int] = {}
    for table in TABLES:
        query = select(Assignment.device, func.count()).select_from(table)
        if table is RegradeItem:
            query = query.join(Regrade, RegradeItem.regrade_id == Regrade.id)
            query = query.join(Assignment, Regrade.assignment_id == Assignment.id)
        else:
            query = query.join(Assignment, _assignment(table) == Assignment.id)
        query = query.where(or_(waits(table, now), lost(table, now)))
        for device, count in session.execute(query.group_by(Assignment.device)):
            due[device] = due.get(device, 0) + count
    return due
