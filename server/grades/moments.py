"""Times as a page says them: in the course's zone, and how far away they are."""

from __future__ import annotations

from datetime import datetime, tzinfo

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


def spelled(moment: datetime, zone: tzinfo) -> str:
    """`3 Dec 2026, 09:05 CET`"""
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M %Z}"


def away(moment: datetime, now: datetime) -> str:
    """`in 3 days`, `2 hours ago`; rounded down: nobody is promised time that there is not."""
    seconds = (moment - now).total_seconds()
    for unit, length in _UNITS:
        count = int(abs(seconds) // length)
        # 36 hours say more than one day; one minute is one minute.
        if count >= 2 or (count == 1 and unit == "minute"):
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "in less than a minute" if seconds > 0 else "just now"
