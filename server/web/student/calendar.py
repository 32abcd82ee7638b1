"""When things are due, for the calendar that somebody uses anyway (iCalendar, RFC 5545)."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, current_app, request, url_for
from icalendar import Alarm, Calendar, Event

from server.grades.deadlines import Phase
from server.language import _
from server.people.links import Links
from server.web import access
from server.web.access import Seat, public
from server.web.auth.sessions import limiter
from server.web.problems import Problem
from server.web.services import services
from server.web.student import queries
from server.web.student.blueprint import pages

_WHAT = "calendar"
_BEFORE = timedelta(days=1)


def address() -> str:
    """Where the calendar of whoever is here is to be had."""
    token = _links().token(access.user(), _WHAT)
    return url_for("student.calendar", token=token, _external=True)


@pages.get("/calendar/<token>.ics")
@limiter.limit("60 per minute")
@public
def calendar(token: str) -> Response:
    """The due dates of all that the address's owner takes part in, as they are for them."""
    with services().database.read() as database:
        whose = _links().open(database, token, _WHAT)
    if whose is None:
        raise Problem(
            410, _("This address does not hold any more: a course's page has the new one.")
        )
    dates = Calendar()
    dates.add("prodid", "-//Gradmark//due dates//EN")
    dates.add("version", "2.0")
    dates.add("x-wr-calname", "Gradmark")
    for seat in access.seats(whose):
        if seat.enrolment is not None:
            for place in queries.places(seat):
                dates.add_component(_due(seat, place))
    return Response(dates.to_ical(), mimetype="text/calendar")


def _due(seat: Seat, place: queries.Place) -> Event:
    assignment, deadlines = place.assignment, place.allowance.deadlines
    event = Event()
    event.add("uid", f"{seat.course.slug}.{assignment.slug}@{request.host}")
    event.add("dtstamp", services().clock())
    event.add("dtstart", deadlines.due_at)
    event.add("summary", f"{assignment.title} is due ({seat.course.title})")
    if deadlines.late_until > deadlines.due_at:
        late = deadlines.late_until.astimezone(deadlines.zone)
        event.add("description", f"Late hand-ins are taken until {late:%A, %d %B, %H:%M (%Z)}.")
    if place.phase is not Phase.COMING:
        where = "student.assignment"
        slugs = {"course": seat.course.slug, "assignment": assignment.slug}
        event.add("url", url_for(where, **slugs, _external=True))
    if not place.handed_in:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"{assignment.title} is due tomorrow")
        alarm.add("trigger", -_BEFORE)
        event.add_component(alarm)
    return event


def _links() -> Links:
    return Links(current_app.config["SECRET_KEY"])
