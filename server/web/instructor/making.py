"""Making a course: for administrators, and for those who lead one."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from server.courses import CourseError, editing
from server.language import _
from server.storage.models import User
from server.web import access
from server.web.access import signed_in
from server.web.instructor import fields
from server.web.services import services

pages = Blueprint("making", __name__)


@pages.app_context_processor
def _may() -> dict[str, object]:
    return {"may_make_courses": may_make}


def may_make() -> bool:
    """Whether who is here may make a course."""
    own = access.user()
    return own.is_admin or any(seat.is_instructor for seat in access.seats(own))


@pages.get("/new-course")
@signed_in
def new_course() -> str:
    if not may_make():
        abort(403)
    return render_template("instructor/new_course.html", fields=fields.NEW_COURSE, said={})


@pages.post("/new-course")
@signed_in
def make_course() -> Response | tuple[str, int]:
    if not may_make():
        abort(403)
    said = fields.typed(fields.NEW_COURSE, request.form)
    here = services()
    try:
        with here.database.write() as session:
            made = editing.make(
                session,
                fields.table(fields.NEW_COURSE, said),
                here.engine.topics,
                at=here.clock(),
                actor=session.get_one(User, access.user().id),
            )
            slug = made.slug
    except CourseError as error:
        page = render_template(
            "instructor/new_course.html",
            fields=fields.NEW_COURSE,
            said=said,
            refusal=str(error),
            wrong=error.key,
        )
        return page, 422
    flash(_("The course is made, and you are its instructor."))
    return redirect(url_for("instructor.course", course=slug), 303)
