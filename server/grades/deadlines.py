"""When an assignment is due for a student, and how late something is.

Days are those of the course's calendar: a day later is the same time on the next date, however many
hours there are in between. A deadline includes the minute that it names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from server.grades import moments
from server.storage.models import Assignment, Extension

_SOON = timedelta(days=2)


class Phase(StrEnum):
    """Where an assignment stands for a student, in the words of the pages."""

    COMING = "not open yet"
    OPEN = "open"
    DUE_SOON = "due soon"
    LATE = "late"
    CLOSED = "closed"


@dataclass(frozen=True)
class Deadlines:
    opens_at: datetime
    due_at: datetime
    late_until: datetime  # the end: the same as due_at where nothing late is taken
    zone: tzinfo = UTC  # the course's

    def late_days(self, received_at: datetime) -> int:
        """How many days after the due date have begun; 0 when it is in time."""
        # A day is at most 25 hours long, so that many days may have begun at least.
        days = max(0, (received_at - self.due_at) // timedelta(hours=25))
        while not self._by(moments.days_later(self.due_at, days, self.zone), received_at):
            days += 1
        return days

    def takes(self, received_at: datetime) -> bool:
        """Whether it came before the end."""
        return self._by(self.late_until, received_at)

    def phase(self, now: datetime) -> Phase:
        if now < self.opens_at:
            return Phase.COMING
        if not self.takes(now):
            return Phase.CLOSED
        if not self._by(self.due_at, now):
            return Phase.LATE
        return Phase.DUE_SOON if self.due_at - now <= _SOON else Phase.OPEN

    def ending(self, end: datetime) -> Deadlines:
        """The same, but for who has to stop by `end`."""
        return replace(self, due_at=min(self.due_at, end), late_until=min(self.late_until, end))

    @staticmethod
    def _by(deadline: datetime, moment: datetime) -> bool:
        return moment < moments.end_of_minute(deadline)


def deadlines(assignment: Assignment, extension: Extension | None, zone: tzinfo) -> Deadlines:
    """Those of the student to whom the extension was granted. The time for late submissions moves
    along with an extended due date, unless the extension says otherwise.

    Args:
        zone: the course's.
    """
    due = (extension and extension.due_at) or assignment.due_at
    end = extension and extension.late_until
    if end is None and assignment.late_until is not None:
        window = moments.apart(assignment.due_at, assignment.late_until, zone)
        end = assignment.late_until
        if due != assignment.due_at:
            end = moments.shifted(due, window, zone)
    return Deadlines(assignment.opens_at, due, max(due, end or due), zone)
