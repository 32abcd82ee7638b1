"""How much there is to grade, and who grades it: read alike by pages, metrics and machines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.grading import presence
from server.storage.models import (
    Assignment,
    GraderProcess,
    RegradeItem,
    State,
    Submission,
    Work,
)

_OPEN = [state for state in State if not state.final]


@dataclass(frozen=True)
class OnDevice:
    """What there is to grade on one kind of device, and who can."""

    waiting: int
    oldest_waiting: timedelta | None
    able: Sequence[GraderProcess]  # that are alive, on a device that works
    set_aside: Sequence[GraderProcess]  # that are alive, on one that does not

    @property
    def stuck(self) -> bool:
        """Something waits and nobody is there to grade it."""
        return self.waiting > 0 and not self.able


@dataclass(frozen=True)
class Workload:
    submissions: Mapping[State, int]  # of those that are not over
    regrades: Mapping[State, int]
    graders: Sequence[GraderProcess]  # that are alive
    devices: Mapping[str, OnDevice]  # by the kinds that assignments ask for and graders have

    @property
    def oldest_waiting(self) -> timedelta | None:
        """How long the submission waits that waits longest."""
        return max(
            (d.oldest_waiting for d in self.devices.values() if d.oldest_waiting is not None),
            default=None,
        )

    @property
    def stuck(self) -> Sequence[str]:
        """The kinds of device that something waits for in vain."""
        return [kind for kind, found in self.devices.items() if found.stuck]

    @property
    def set_aside(self) -> Sequence[GraderProcess]:
        return [grader for found in self.devices.values() for grader in found.set_aside]


def workload(session: Session, now: datetime) -> Workload:
    graders = presence.alive(session, now)
    waiting = {
        kind: (count, now - since)
        for kind, count, since in session.execute(
            select(Assignment.device, func.count(), func.min(Submission.received_at))
            .join(Submission.assignment)
            .where(Submission.state == State.WAITING)
            .group_by(Assignment.device)
        )
    }
    asked_for = session.scalars(select(Assignment.device).distinct())
    kinds = sorted({*asked_for, *(grader.kind for grader in graders)})
    return Workload(
        by_state(session, Submission, _OPEN),
        by_state(session, RegradeItem, _OPEN),
        graders,
        {kind: _on(kind, graders, *waiting.get(kind, (0, None))) for kind in kinds},
    )


def _on(
    kind: str, graders: Sequence[GraderProcess], waiting: int, oldest: timedelta | None
) -> OnDevice:
    there = [grader for grader in graders if grader.kind == kind]
    return OnDevice(
        waiting,
        oldest,
        [grader for grader in there if grader.fault is None],
        [grader for grader in there if grader.fault is not None],
    )


def by_state(
    session: Session, table: type[Work], states: Collection[State] = tuple(State)
) -> dict[State, int]:
    """How many are in each of these states. What is over is nearly everything, and takes long to
    count."""
    found = dict.fromkeys(states, 0)
    query = select(table.state, func.count()).where(table.state.in_(states)).group_by(table.state)
    for state, count in session.execute(query):
        found[state] = count
    return found
