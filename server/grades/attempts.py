"""May a student hand in now? The limits of an assignment, as a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from server.grades.deadlines import Deadlines, deadlines
from server.grades.moments import spelled
from server.language import _, ngettext
from server.storage.models import Assignment, Counts, Extension, Sitting, State, Submission

# What costs no attempt: a fault of ours gives it back, and what was never graded taught nothing.
FREE = (State.FAILED, State.SUPERSEDED)


class NotAllowed(Exception):
    """The student may not hand in now; the message is one sentence that says why."""


def same(assignment: Assignment, earlier: Sequence[Submission], digest: str) -> Submission | None:
    """Which of a student's earlier submissions the same bytes are, handed in again.

    Where the best one counts they could only count for less. Where the last one does, only the
    latest is the same: what lies before it counts by being handed in anew. What failed is given
    another try.
    """
    ordered = sorted(earlier, key=lambda row: row.number)
    among = ordered if assignment.counts is Counts.BEST else ordered[-1:]
    known = (row for row in among if row.digest == digest and row.state is not State.FAILED)
    return next(known, None)


@dataclass(frozen=True)
class Allowance:
    """What a student may still do for an assignment."""

    deadlines: Deadlines
    left: int | None  # None: no limit
    left_today: int | None
    refusal: str | None  # why nothing can be handed in now; None: it can
    window: int | None = None  # minutes from pressing Start on; None: there is no such button
    started_at: datetime | None = None

    @property
    def must_start(self) -> bool:
        """Whether what is asked is shown only once the student presses Start."""
        return self.window is not None and self.started_at is None


def allowance(
    assignment: Assignment,
    timezone: str,
    extension: Extension | None,
    counted: Sequence[datetime],
    now: datetime,
    sitting: Sitting | None = None,
) -> Allowance:
    """
    Args:
        timezone: the course's, whose calendar days count.
        counted: when the submissions arrived that cost an attempt (those not in a FREE state).
        sitting: that the student has pressed Start, where the assignment has a window.
    """
    zone = ZoneInfo(timezone)
    limits = deadlines(assignment, extension, zone)
    extra = extension.extra_attempts if extension else 0
    window = assignment.window_minutes
    if window is not None:
        window += extension.extra_minutes if extension else 0
        if sitting is not None:
            limits = limits.ending(sitting.started_at + timedelta(minutes=window))
    today = [at for at in counted if at.astimezone(zone).date() == now.astimezone(zone).date()]
    left = _left(assignment.attempts, extra, len(counted))
    left_today = _left(assignment.attempts_per_day, extra, len(today))
    ready_at = max(counted) + timedelta(minutes=assignment.cool_down_minutes) if counted else now

    refusal = None
    if now < assignment.opens_at:
        refusal = _("This assignment opens on %(time)s.", time=spelled(assignment.opens_at, zone))
    elif not limits.takes(now):
        refusal = _("This assignment closed on %(time)s.", time=spelled(limits.late_until, zone))
    elif window is not None and sitting is None:
        refusal = _("Your time begins when you press Start on the page of the assignment.")
    elif left == 0:
        allowed = (assignment.attempts or 0) + extra
        refusal = ngettext("The one attempt is used.", "All %(num)s attempts are used.", allowed)
    elif left_today == 0:
        refusal = _("All attempts of today are used: the next one is possible tomorrow.")
    elif now < ready_at:
        refusal = _("The next attempt is possible from %(time)s on.", time=spelled(ready_at, zone))
    started_at = None if sitting is None else sitting.started_at
    return Allowance(limits, left, left_today, refusal, window, started_at)


def _left(limit: int | None, extra: int, used: int) -> int | None:
    return None if limit is None else max(0, limit + extra - used)
