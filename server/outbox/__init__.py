"""What the server will send by itself: put in with what it is about, sent once, tried again.

Whoever changes something puts a row in within the same transaction. A sweep in the server's process
takes what is due and gives it to the sender of its kind.
"""

from server.outbox.box import (
    again,
    fault_is_over,
    fault_met,
    grade_changed,
    grades_of,
    held,
    invite,
    keys,
    put,
    put_all,
    release,
    renew,
    waits,
)
from server.outbox.sweep import Gone, Held, Later, Never, Sweep, Uncertain

__all__ = [
    "Gone",
    "Held",
    "Later",
    "Never",
    "Sweep",
    "Uncertain",
    "again",
    "fault_is_over",
    "fault_met",
    "grade_changed",
    "grades_of",
    "held",
    "invite",
    "keys",
    "put",
    "put_all",
    "release",
    "renew",
    "waits",
]
