"""How much there is to grade, and who grades it: read alike by pages, metrics and machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.grading import presence
from server.storage.models import GraderProcess, RegradeItem, State, Submission, Work


@dataclass(frozen=True)
class Workload:
    submissions: Mapping[State, int]
    regrades: Mapping[State, int]
    oldest_waiting: timedelta | None  # how long the submission waits that waits longest
    graders: Sequence[GraderProcess]  # that are alive

    @property
    def stuck(self) -> bool:
        """Something waits and nobody is there to grade it."""
        return self.submissions[State.WAITING] > 0 and not self.graders


def workload(session: Session, now: datetime) -> Workload:
    since = session.scalar(
        select(func.min(Submission.received_at)).where(Submission.state == State.WAITING)
    )
    return Workload(
        _by_state(session, Submission),
        _by_state(session, RegradeItem),
        None if since is None else now - since,
        presence.alive(session, now),
    )


def _by_state(session: Session, table: type[Work]) -> dict[State, int]:
    found = dict.fromkeys(State, 0)
    for state, count in session.execute(select(table.state, func.count()).group_by(table.state)):
        found[state] = count
    return found
