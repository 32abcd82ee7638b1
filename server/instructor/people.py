"""Who is in the course: the roster, its import, and the invitation links to pass on."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from server import accounts, roster
from server.access import Seat, in_course
from server.instructor.blueprint import pages
from server.models import Course, Enrolment, Role, User
from server.services import services


@pages.get("/people")
@in_course(Role.ASSISTANT)
def people(seat: Seat) -> str:
    return _people(seat)


@pages.post("/people/import")
@in_course(Role.INSTRUCTOR)
def import_roster(seat: Seat) -> Response | tuple[str, int]:
    file = request.files.get("roster")
    if file is None or not file.filename:
        return _people(seat, refusal="Choose the CSV file with the roster."), 422
    try:
        listed = roster.read(file.read())
    except roster.RosterError as error:
        return _people(seat, refusal=str(error)), 422
    with services().database.write() as session:
        result = roster.enrol(
            session,
            session.get_one(Course, seat.course.id),
            listed,
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    flash(
        f"{len(result.added)} added, {len(result.changed)} changed, {result.unchanged} unchanged."
    )
    return redirect(url_for(".people", course=seat.course.slug), 303)


@pages.post("/people/links")
@in_course(Role.INSTRUCTOR)
def make_links(seat: Seat) -> str:
    """Fresh invitation links for all who have no password yet; shown once, to be passed on."""
    with services().database.write() as session:
        actor = session.get_one(User, seat.user.id)
        waiting = session.scalars(
            select(User)
            .join(Enrolment)
            .where(Enrolment.course_id == seat.course.id, User.password.is_(None))
            .order_by(User.email)
        ).all()
        links, left_out = [], []
        for invited in waiting:
            if accounts.may_invite(session, actor, invited):
                token = accounts.invite(session, invited, at=services().clock(), actor=actor)
                links.append((invited, url_for("auth.invitation", token=token, _external=True)))
            else:
                left_out.append(invited)
    return render_template("instructor/links.html", links=links, left_out=left_out)


def _people(seat: Seat, refusal: str = "") -> str:
    query = (
        select(Enrolment)
        .join(Enrolment.user)
        .where(Enrolment.course_id == seat.course.id)
        .options(joinedload(Enrolment.user))
        .order_by(User.name, User.email)
    )
    with services().database.read() as session:
        enrolments = session.scalars(query).all()
    return render_template(
        "instructor/people.html",
        enrolments=sorted(enrolments, key=lambda enrolment: -enrolment.role.rank),
        without_password=sum(1 for e in enrolments if e.user.password is None),
        refusal=refusal,
    )
