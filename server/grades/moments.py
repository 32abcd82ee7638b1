"""Times as people say them: in the course's zone, and how far away they are.

A wall clock shows some times twice and skips others when it is changed. Whoever writes such a time
is asked which one is meant; where one comes out of counting days, the later one holds: nobody
loses an hour by the change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from server.language import _, day, ngettext

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


class NoSuchTime(ValueError):
    """The wall clock never shows it, or shows it twice; the message is one sentence.

    Attributes:
        meant: the moments that it shows it at.
    """

    def __init__(self, message: str, *meant: datetime) -> None:
        super().__init__(message)
        self.meant = meant


def at(wall: datetime, zone: tzinfo) -> datetime:
    """When the zone's clocks show this, in UTC.

    Raises:
        NoSuchTime: they never do, or do twice.
    """
    first, second = _both(wall, zone)
    if first == second:
        return first
    shown = f"{wall:%Y-%m-%d %H:%M}"
    if first.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None, fold=0):
        raise NoSuchTime(f"{shown} does not exist in {zone}: the clocks are put forward then.")
    raise NoSuchTime(
        f"{shown} comes twice in {zone}, because the clocks are put back then: choose another "
        "time.",
        first.astimezone(zone),
        second.astimezone(zone),
    )


def days_later(moment: datetime, days: int, zone: tzinfo) -> datetime:
    """The same time of day, this many calendar days later."""
    return shifted(moment, timedelta(days=days), zone)


def shifted(moment: datetime, by: timedelta, zone: tzinfo) -> datetime:
    """What the wall clock shows, moved by so much; the later one where that comes twice."""
    return max(_both(moment.astimezone(zone).replace(tzinfo=None) + by, zone))


def apart(first: datetime, second: datetime, zone: tzinfo) -> timedelta:
    """From the first to the second, as the wall clock shows them."""
    shown = [moment.astimezone(zone).replace(tzinfo=None) for moment in (first, second)]
    return shown[1] - shown[0]


def end_of_minute(moment: datetime) -> datetime:
    """The first moment after the minute that it names: "23:59" is over at midnight."""
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)


def spelled(moment: datetime, zone: tzinfo) -> str:
    """`3 Dec 2026, 09:05 CET`"""
    there = moment.astimezone(zone)
    return f"{day(there, 'd MMM y')}, {there:%H:%M %Z}"


def away(moment: datetime, now: datetime) -> str:
    """`in 3 days`, `2 hours ago`; rounded down: nobody is promised time that there is not."""
    seconds = (moment - now).total_seconds()
    for unit, length in _UNITS:
        count = int(abs(seconds) // length)
        # 36 hours say more than one day; one minute is one minute.
        if count >= 2 or (count == 1 and unit == "minute"):
            return _ahead(unit, count) if seconds > 0 else _ago(unit, count)
    return _("in less than a minute") if seconds > 0 else _("just now")


def _ahead(unit: str, count: int) -> str:
    if unit == "day":
        return ngettext("in %(num)s day", "in %(num)s days", count)
    if unit == "hour":
        return ngettext("in %(num)s hour", "in %(num)s hours", count)
    return ngettext("in %(num)s minute", "in %(num)s minutes", count)


def _ago(unit: str, count: int) -> str:
    if unit == "day":
        return ngettext("%(num)s day ago", "%(num)s days ago", count)
    if unit == "hour":
        return ngettext("%(num)s hour ago", "%(num)s hours ago", count)
    return ngettext("%(num)s minute ago", "%(num)s minutes ago", count)


def _both(wall: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """By the clock before a change and by the clock after it; alike at all other times."""
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return before, after
