"""The course systems that a course is connected with: their rosters, and grades that go there."""

from __future__ import annotations

import csv
import io

from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy import delete, func
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from server import outbox
from server.language import _
from server.lti import LtiError, available, platforms
from server.people import accounts, roster
from server.people.accounts import AccountError
from server.storage import audit
from server.storage.models import (
    Assignment,
    Delivery,
    LtiContext,
    LtiLink,
    Outgoing,
    Role,
    User,
)
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.instructor.people import propose
from server.web.services import services

_AT_MOST = 200  # of what could not be sent, on the page


@pages.get("/lms")
@in_course(Role.ASSISTANT)
def lms(seat: Seat) -> str:
    return _lms(seat)


@pages.post("/lms/<int:context_id>/roster")
@in_course(Role.INSTRUCTOR)
def read_roster(seat: Seat, context_id: int) -> str | tuple[str, int]:
    """What the course system's list of people would change, to be looked at before it is done."""
    with services().database.read() as session:
        found = _context(session, seat, context_id)
        platform, url = found.platform, found.memberships_url
    if not available() or url is None:
        return _lms(seat, _("The course system has not said where its list of people is.")), 422
    from server.lti.launch import role_of
    from server.lti.services import Client

    table = io.StringIO()
    lines = csv.writer(table)
    lines.writerow(["email", "name", "role"])
    try:
        for member in Client(services().database, platform, services().clock).members(url):
            role = role_of(list(member.roles))
            if role is not None and _is_address(member.email):
                lines.writerow([member.email, member.name, role.value])
        content = table.getvalue().encode()
        return propose(seat, content, roster.read(content))
    except (LtiError, roster.RosterError) as error:
        return _lms(seat, str(error)), 422


@pages.post("/lms/<int:context_id>/disconnect")
@in_course(Role.INSTRUCTOR)
def disconnect(seat: Seat, context_id: int) -> Response:
    """Nobody comes from there any more; who is here stays."""
    with services().database.write() as session:
        if session.get(LtiContext, context_id) is None:  # by somebody else, a moment ago
            return redirect(url_for(".lms", course=seat.course.slug), 303)
        found = _context(session, seat, context_id)
        session.execute(delete(LtiLink).where(LtiLink.context_id == found.id))
        audit.record(
            session,
            audit.Action.COURSE_DISCONNECTED,
            f"course:{seat.course.id}",
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
            course_id=seat.course.id,
            platform=found.platform_id,
        )
        session.delete(found)
    flash(_("Disconnected. Who is in the course here stays, with all that is theirs."))
    return redirect(url_for(".lms", course=seat.course.slug), 303)


@pages.post("/lms/grades/<int:sent_id>/again")
@in_course(Role.INSTRUCTOR)
def send_grade(seat: Seat, sent_id: int) -> Response:
    with services().database.write() as session:
        told = outbox.grades_of(seat.course.id).where(Outgoing.id == sent_id)
        row = session.scalar(told.with_for_update(of=Outgoing)) or abort(404)
        if row.state is Delivery.FAILED:
            outbox.again(session, row, services().clock())
    flash(_("The grade is sent again."))
    return redirect(url_for(".lms", course=seat.course.slug), 303)


def _context(session: Session, seat: Seat, number: int) -> LtiContext:
    found = session.get(LtiContext, number, options=[joinedload(LtiContext.platform)])
    return found if found is not None and found.course_id == seat.course.id else abort(404)


def _is_address(text: str) -> bool:
    try:
        accounts.normal_email(text)
    except AccountError:
        return False
    return True


def _lms(seat: Seat, refusal: str = "") -> str:
    with services().database.read() as session:
        contexts, links = platforms.connected(session, seat.course)
        titles = {a.id: a.title for a in Assignment.of(session, seat.course)}
        told = outbox.grades_of(seat.course.id)
        states = session.execute(
            told.with_only_columns(Outgoing.state, func.count()).group_by(Outgoing.state)
        )
        counts = {row[0]: row[1] for row in states}
        late = session.scalars(
            told.where(Outgoing.last_fault.is_not(None), Outgoing.state != Delivery.SENT)
            .options(joinedload(Outgoing.user))
            .order_by(Outgoing.id)
            .limit(_AT_MOST)
        ).all()
    return render_template(
        "instructor/lms.html",
        contexts=contexts,
        links=links,
        titles=titles,
        sent=counts.get(Delivery.SENT, 0),
        waiting=counts.get(Delivery.WAITING, 0) + counts.get(Delivery.SENDING, 0),
        late=late,
        refusal=refusal,
        available=available(),
    )
