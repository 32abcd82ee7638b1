"""When students see what grading found: what holds for an assignment, and the button for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from server.grades import release
from server.grades.release import Part
from server.language import _
from server.storage.models import WHEN_PUBLISHED, Assignment, Role, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.services import services


@dataclass(frozen=True)
class Standing:
    part: Part
    is_shown: bool
    begins_at: datetime | None  # None: only by the button
    published: bool  # by the button


def standings(assignment: Assignment) -> list[Standing]:
    """Of all that is not shown from the beginning."""
    now = services().clock()
    return [
        Standing(
            part,
            release.is_shown(assignment, part, now),
            None if begins == WHEN_PUBLISHED else begins,
            release.published_at(assignment, part) is not None,
        )
        for part in Part
        if (begins := release.begins_at(assignment, part)) is not None
    ]


@pages.post("/assignments/<assignment>/publish")
@in_course(Role.INSTRUCTOR)
def publish(seat: Seat, assignment: str) -> Response:
    """Show hints, scores or comments to students from now on, or take that back."""
    chosen = access.assignment(seat, assignment)
    wanted = [part for part in Part if part.value in request.form.getlist("part")]
    do = {"publish": release.publish, "withdraw": release.withdraw}.get(request.form.get("do", ""))
    if not wanted or do is None:
        abort(422)
    with services().database.write() as session:
        do(
            session,
            session.get_one(Assignment, chosen.id),
            wanted,
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    words = release.listed(wanted)
    shown = do is release.publish
    flash(
        _("Students see %(words)s now.", words=words)
        if shown
        else _("What was published of %(words)s is taken back.", words=words)
    )
    where = url_for(".assignment", course=seat.course.slug, assignment=chosen.slug)
    return redirect(where, 303)
