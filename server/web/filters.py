"""What templates say in words: times in the zone of the course that the page belongs to, texts with
structure and formulas."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from flask import Flask, g
from markupsafe import Markup

from server import language
from server.grades import moments
from server.grades.totals import equation
from server.web.markdown import markdown
from server.web.services import services


def install(app: Flask) -> None:
    app.jinja_env.filters.update(equation=equation, number=language.number, worth=language.points)
    app.jinja_env.filters.update(
        spelled=_spelled, day=_day, stamped=_stamped, away=_away, formatted=_formatted
    )


def _spelled(moment: datetime) -> str:
    return moments.spelled(moment, _zone())


def _day(moment: datetime) -> str:
    """`3 Dec`, where the year goes without saying."""
    return language.day(moment.astimezone(_zone()), "d MMM")


def _stamped(moment: datetime) -> str:
    """For programs, and for the script that adds the reader's own time."""
    return moment.astimezone(_zone()).isoformat(timespec="seconds")


def _away(moment: datetime) -> str:
    return moments.away(moment, services().clock())


def _formatted(text: str) -> Markup:
    """Markdown with formulas, below a heading of the third level."""
    return markdown(text, below=3)


def _zone() -> tzinfo:
    seat = g.get("seat")
    return UTC if seat is None else ZoneInfo(seat.course.timezone)
