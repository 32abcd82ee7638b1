"""Submissions as staff see them: found by many things, and a word to all who are found."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from server.grades import marking, saved
from server.language import _
from server.storage.models import Assignment, Role, State, User
from server.web.access import Seat, in_course
from server.web.instructor import lists
from server.web.instructor.blueprint import here, pages
from server.web.instructor.forms import ReplyForm
from server.web.instructor.lists import ROWS, WHICH, Wanted
from server.web.services import services


@pages.get("/submissions")
@in_course(Role.ASSISTANT)
def submissions(seat: Seat) -> str:
    """The newest first."""
    return _listed(seat)


@pages.post("/submissions")
@in_course(Role.ASSISTANT)
def reply(seat: Seat) -> BaseResponse | tuple[str, int]:
    """One comment for all who have the misconception that is searched for."""
    form = ReplyForm()
    if not form.validate_on_submit():
        return _listed(seat, form), 422
    with services().database.write() as session:
        wanted = Wanted.from_request(Assignment.of(session, seat.course))
        if not wanted.misconception or wanted.assignment is None:
            abort(422)
        having = session.scalars(lists.counting(seat, wanted.assignment, wanted)).all()
        now, actor = services().clock(), session.get_one(User, seat.user.id)
        written = marking.comment_on_all(session, having, form.text.data.strip(), now, actor)
    flash(
        _(
            "%(number)s of %(count)s students have a new comment.",
            number=written,
            count=len(having),
        )
    )
    return redirect(here(), 303)


@pages.post("/saved/<int:saved_id>/remove")
@in_course(Role.ASSISTANT)
def remove_saved(seat: Seat, saved_id: int) -> BaseResponse:
    """A saved comment is offered no more; where it was written it stays."""
    with services().database.write() as session:
        if not saved.remove(session, seat.course, saved_id):
            abort(404)
        query = Wanted.from_request(Assignment.of(session, seat.course)).query
    flash(_("It is offered no more."))
    return redirect(url_for(".submissions", course=seat.course.slug, **query), 303)


def _listed(seat: Seat, form: ReplyForm | None = None) -> str:
    with services().database.read() as session:
        assignments = Assignment.of(session, seat.course)
        wanted = Wanted.from_request(assignments)
        found = lists.found(session, seat, assignments, wanted)
        hint = lists.hint(session, wanted)
        having = 0
        if wanted.misconception and wanted.assignment is not None:
            all_of_them = lists.counting(seat, wanted.assignment, wanted).subquery()
            having = session.scalar(select(func.count()).select_from(all_of_them)) or 0
        return render_template(
            "instructor/submissions.html",
            assignments=assignments,
            wanted=wanted,
            options={
                "assignments": [(a.slug, a.title) for a in assignments],
                "states": [(state.value, _(state.value)) for state in State],
                "which": [(key, _(words)) for key, words in WHICH.items()],
                "sections": [(section, section) for section in lists.sections(session, seat)],
            },
            hint=hint,
            found=found[:ROWS],
            older=found[ROWS - 1][0].id if len(found) > ROWS else None,
            having=having,
            saved=saved.about(session, seat.course, {wanted.misconception}),
            form=form or ReplyForm(formdata=None),
        )
