"""More time for many at once: a section, or a list of addresses."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from server.grades import marking
from server.language import _, ngettext
from server.people.accounts import normal_email
from server.storage.models import Assignment, Enrolment, Role, User
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.instructor.forms import ManyExtensionsForm
from server.web.services import services


@pages.get("/extensions")
@in_course(Role.INSTRUCTOR)
def extensions(seat: Seat) -> str:
    return render_template("instructor/extensions.html", form=_form(seat))


@pages.post("/extensions")
@in_course(Role.INSTRUCTOR)
def grant_many(seat: Seat) -> Response | tuple[str, int]:
    """The same for each of them; it replaces what one was granted before."""
    form, zone = _form(seat), ZoneInfo(seat.course.timezone)
    if not form.validate_on_submit():
        return render_template("instructor/extensions.html", form=form), 422
    due, late = form.moment("due_at", zone), form.moment("late_until", zone)
    with services().database.write() as session:
        chosen = session.scalars(
            select(Assignment).where(
                Assignment.course_id == seat.course.id, Assignment.slug == form.assignment.data
            )
        ).one()
        if late is not None and late < (due or chosen.due_at):
            form.late_until.errors = [_("It must not be before the due date.")]
        students, unknown = _students(session, seat, form)
        if unknown:
            words = ", ".join(unknown[:10])
            form.addresses.errors = [_("No students of the course: %(words)s.", words=words)]
        elif not students:
            form.addresses.errors = [_("Choose a section, or list addresses.")]
        refused = form.due_at.errors or form.late_until.errors or form.addresses.errors
        if not refused:
            actor = session.get_one(User, seat.user.id)
            for user in students:
                marking.grant(
                    session,
                    chosen,
                    user,
                    due_at=due,
                    late_until=late,
                    extra_attempts=form.extra_attempts.data,
                    extra_minutes=form.extra_minutes.data or 0,
                    reason=form.extension_reason.data.strip(),
                    at=services().clock(),
                    actor=actor,
                )
    if refused:
        return render_template("instructor/extensions.html", form=form), 422
    flash(
        ngettext(
            "%(assignment)s: granted to %(num)s student.",
            "%(assignment)s: granted to %(num)s students.",
            len(students),
            assignment=chosen.title,
        )
    )
    return redirect(url_for(".people", course=seat.course.slug), 303)


def _students(
    session: Session, seat: Seat, form: ManyExtensionsForm
) -> tuple[list[int], list[str]]:
    """Who is meant, and which of the addresses are nobody's."""
    here = (
        select(User.email, User.id)
        .join(Enrolment, Enrolment.user_id == User.id)
        .where(
            Enrolment.course_id == seat.course.id, Enrolment.role == Role.STUDENT, Enrolment.here
        )
    )
    everybody = {row.email: row.id for row in session.execute(here)}
    words = re.split(r"[\s,;]+", form.addresses.data or "")
    listed = {normal_email(word) for word in words if word}
    found = {everybody[address] for address in listed & everybody.keys()}
    if form.section.data:
        found |= {
            row.id for row in session.execute(here.where(Enrolment.section == form.section.data))
        }
    return sorted(found), sorted(listed - everybody.keys())


def _form(seat: Seat) -> ManyExtensionsForm:
    form = ManyExtensionsForm()
    with services().database.read() as session:
        form.assignment.choices = [(a.slug, a.title) for a in Assignment.of(session, seat.course)]
        sections = session.scalars(
            select(Enrolment.section)
            .where(Enrolment.course_id == seat.course.id, Enrolment.section != "")
            .distinct()
            .order_by(Enrolment.section)
        ).all()
    form.section.choices = [("", _("none")), *((section, section) for section in sections)]
    return form
