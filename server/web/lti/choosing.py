"""Deep linking: an instructor chooses assignments, and the platform gets links to them."""

from __future__ import annotations

from flask import abort, render_template, request
from sqlalchemy import select

from server.lti import LtiError, deep, keys
from server.lti.platforms import origin
from server.people.providers import is_safe
from server.storage.models import Assignment, Role
from server.web.access import Seat, in_course
from server.web.guard import send_forms_to
from server.web.lti.blueprint import addresses, opened, pages, platform_of, refuse
from server.web.services import services


@pages.get("/courses/<course>/choose")
@in_course(Role.INSTRUCTOR)
def choose(seat: Seat) -> str:
    with services().database.read() as session:
        assignments = Assignment.of(session, seat.course)
    return render_template(
        "lti/choose.html", assignments=assignments, launch=request.args.get("launch", "")
    )


@pages.post("/courses/<course>/choose")
@in_course(Role.INSTRUCTOR)
def chosen(seat: Seat) -> str:
    """The answer goes through the browser, by a form that is sent to the platform."""
    now = services().clock()
    try:
        found, _ = opened(request.form.get("launch", ""))
        there = str(found.deep_linking.get("deep_link_return_url", ""))
        if not found.is_deep_linking or not is_safe(there):
            abort(422)
        with services().database.write() as session:
            platform = platform_of(session, found.platform_id)
            wanted = session.scalars(
                select(Assignment)
                .where(
                    Assignment.course_id == seat.course.id,
                    Assignment.slug.in_(request.form.getlist("assignment")),
                )
                .order_by(Assignment.position)
            ).all()
            if found.deep_linking.get("accept_multiple") is False:
                wanted = wanted[:1]
            token = deep.answer(
                keys.signing(session, now),
                platform,
                found.deployment,
                found.deep_linking,
                wanted,
                addresses()["launch"],
                now,
            )
        send_forms_to(origin(there))
    except LtiError as error:
        refuse("choice", error)
    return render_template("lti/answer.html", there=there, token=token, count=len(wanted))
