"""When an assignment is due for a student, and how late something is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

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

    def late_days(self, received_at: datetime) -> int:
        """How many days after the due date have begun; 0 when it is in time."""
        return max(0, math.ceil((received_at - self.due_at) / timedelta(days=1)))

    def phase(self, now: datetime) -> Phase:
        if now < self.opens_at:
            return Phase.COMING
        if now > self.late_until:
            return Phase.CLOSED
        if now > self.due_at:
            return Phase.LATE
        return Phase.DUE_SOON if self.due_at - now <= _SOON else Phase.OPEN


def deadlines(assignment: Assignment, extension: Extension | None) -> Deadlines:
    """Those of the student to whom the extension was granted. The time for late submissions moves
    along with an extended due date, unless the extension says otherwise."""
    due = (extension and extension.due_at) or assignment.due_at
    end = (extension and extension.late_until) or (
        (assignment.late_until or assignment.due_at) + (due - assignment.due_at)
    )
    return Deadlines(assignment.opens_at, due, max(due, end))
