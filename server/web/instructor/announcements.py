"""What staff announce to the course or a section: written, changed, withdrawn."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from markupsafe import Markup
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from server.courses import announcing
from server.language import _
from server.storage.models import Announcement, Course, Enrolment, Role, User
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import number, pages
from server.web.instructor.forms import AnnouncementForm
from server.web.instructor.lists import sections
from server.web.markdown import markdown
from server.web.services import services

_ROWS = 20


@pages.get("/announcements")
@in_course(Role.ASSISTANT)
def announcements(seat: Seat) -> str:
    return _page(seat, _form(seat, formdata=None))


@pages.post("/announcements")
@in_course(Role.ASSISTANT)
def announce(seat: Seat) -> Response | str | tuple[str, int]:
    """Tell the course or a section, or show what it would look like."""
    form = _form(seat)
    if form.section.data not in [value for value, _words in form.section.choices]:
        form.section.data = ""
    if not form.validate_on_submit():
        return _page(seat, form), 422
    if form.look.data:
        return _page(seat, form, preview=_shown(form))
    with services().database.write() as session:
        announcing.announce(
            session,
            session.get_one(Course, seat.course.id),
            form.section.data,
            form.title.data.strip(),
            _text(form),
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    flash(_("Announced."))
    return redirect(url_for(".announcements", course=seat.course.slug), 303)


@pages.get("/announcements/<int:announcement_id>")
@in_course(Role.ASSISTANT)
def announcement(seat: Seat, announcement_id: int) -> str:
    row = _found(seat, announcement_id)
    form = _form(seat, formdata=None, title=row.title, text=row.text, section=row.section)
    return _editor(row, form)


@pages.post("/announcements/<int:announcement_id>")
@in_course(Role.ASSISTANT)
def change_announcement(seat: Seat, announcement_id: int) -> Response | str | tuple[str, int]:
    row, form = _found(seat, announcement_id), _form(seat)
    if not form.validate_on_submit():
        return _editor(row, form), 422
    if form.look.data:
        return _editor(row, form, preview=_shown(form))
    try:
        with services().database.write() as session:
            announcing.change(
                session,
                session.scalars(_one(seat, announcement_id).with_for_update(of=Announcement)).one(),
                form.title.data.strip(),
                _text(form),
                version=form.version.data or 0,
                again=form.again.data,
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
            )
    except announcing.Conflict:
        return _editor(_found(seat, announcement_id), form, conflict=True), 409
    flash(_("Saved, and told again.") if form.again.data else _("Saved."))
    return redirect(url_for(".announcements", course=seat.course.slug), 303)


@pages.post("/announcements/<int:announcement_id>/withdraw")
@in_course(Role.ASSISTANT)
def withdraw_announcement(seat: Seat, announcement_id: int) -> Response:
    """Students see it no more, and mail that waits is not sent."""
    _found(seat, announcement_id)
    with services().database.write() as session:
        announcing.withdraw(
            session,
            session.scalars(_one(seat, announcement_id).with_for_update(of=Announcement)).one(),
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    flash(_("Withdrawn: no student sees it any more."))
    return redirect(url_for(".announcements", course=seat.course.slug), 303)


def _page(seat: Seat, form: AnnouncementForm, preview: Markup | None = None) -> str:
    before = number("before")
    query = (
        select(Announcement)
        .where(Announcement.course_id == seat.course.id)
        .options(joinedload(Announcement.author))
        .order_by(Announcement.id.desc())
        .limit(_ROWS + 1)
    )
    if before:
        query = query.where(Announcement.id < before)
    with services().database.read() as session:
        rows = session.scalars(query).all()
        readers, students = announcing.readers(session, rows), _students(session, seat)
    return render_template(
        "instructor/announcements.html",
        form=form,
        preview=preview,
        rows=rows[:_ROWS],
        older=rows[_ROWS - 1].id if len(rows) > _ROWS else None,
        before=before,
        readers=readers,
        students=students,
    )


def _editor(
    row: Announcement,
    form: AnnouncementForm,
    preview: Markup | None = None,
    *,
    conflict: bool = False,
) -> str:
    return render_template(
        "instructor/announcement.html",
        form=form,
        row=row,
        preview=markdown(row.text, below=2) if preview is None else preview,
        conflict=conflict,
    )


def _form(seat: Seat, **filled: object) -> AnnouncementForm:
    form = AnnouncementForm(**filled)
    with services().database.read() as session:
        found = sections(session, seat)
    form.section.choices = [
        ("", _("everybody")),
        *((one, _("section %(section)s", section=one)) for one in found),
    ]
    return form


def _students(session: Session, seat: Seat) -> dict[str, int]:
    """How many there are in each section; "" has all of them."""
    query = (
        select(Enrolment.section, func.count())
        .where(
            Enrolment.course_id == seat.course.id, Enrolment.role == Role.STUDENT, Enrolment.here
        )
        .group_by(Enrolment.section)
    )
    found = dict(session.execute(query).all())
    return found | {"": sum(found.values())}


def _text(form: AnnouncementForm) -> str:
    text: str = form.text.data
    return text.replace("\r\n", "\n").replace("\0", "\ufffd").strip()


def _shown(form: AnnouncementForm) -> Markup:
    return markdown(_text(form), below=2)


def _one(seat: Seat, announcement_id: int) -> Select[Announcement]:
    return (
        select(Announcement)
        .where(Announcement.id == announcement_id, Announcement.course_id == seat.course.id)
        .options(joinedload(Announcement.author))
    )


def _found(seat: Seat, announcement_id: int) -> Announcement:
    with services().database.read() as session:
        row = session.scalar(_one(seat, announcement_id))
    return row or abort(404)
