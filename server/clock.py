"""What time it is; a test has its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class OnceAMinute:
    """Says when something may be looked at again that is asked for more often."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether the last time it was is a minute ago, or never."""
        if self._next is not None and now < self._next:
            return False
        self._next = now + timedelta(minutes=1)
        return True
