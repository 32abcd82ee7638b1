"""Who is in the course: the roster, its import, and the invitation links to pass on."""

from __future__ import annotations

import base64

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import contains_eager
from werkzeug.wrappers import Response

from autograder import spreadsheet
from server import outbox
from server.language import N_, _, ngettext
from server.people import accounts, enrolling, roster
from server.storage import audit
from server.storage.models import Course, Enrolment, Role, User
from server.web import access
from server.web.access import Seat, in_course
from server.web.auth.mail import post
from server.web.instructor.blueprint import number, pages, people_named
from server.web.services import services

_ROWS = 50
_NOW = {
    Role.STUDENT: N_("%(user)s is now a student."),
    Role.ASSISTANT: N_("%(user)s is now an assistant."),
    Role.INSTRUCTOR: N_("%(user)s is now an instructor."),
}


@pages.get("/people")
@in_course(Role.ASSISTANT)
def people(seat: Seat) -> str:
    return _people(seat)


@pages.post("/people/import")
@in_course(Role.INSTRUCTOR)
def import_roster(seat: Seat) -> str | tuple[str, int]:
    """What the file would change, to be looked at before it is done."""
    file = request.files.get("roster")
    if file is None or not file.filename:
        return _people(seat, refusal=_("Choose the CSV file with the roster.")), 422
    content = file.read()
    try:
        listed = roster.read(content)
    except roster.RosterError as error:
        return _people(seat, refusal=str(error)), 422
    return propose(seat, content, listed)


@pages.post("/people/import/apply")
@in_course(Role.INSTRUCTOR)
def apply_roster(seat: Seat) -> Response | str | tuple[str, int]:
    """The file comes again with what was chosen: the server keeps no roster in between."""
    try:
        content = base64.b64decode(request.form.get("roster", ""), validate=True)
        listed = roster.read(content)
    except (ValueError, roster.RosterError):
        abort(422)
    with services().database.write() as session:
        course = session.get_one(Course, seat.course.id)
        actor = session.get_one(User, seat.user.id)
        seen = enrolling.propose(session, course, listed, actor=actor).fingerprint
        stale = seen != request.form.get("fingerprint")
        if not stale:
            result = enrolling.apply(
                session,
                course,
                listed,
                set(request.form.getlist("change")),
                at=services().clock(),
                actor=actor,
            )
    if stale:
        return propose(seat, content, listed, changed=True), 409
    flash(str(result))
    return redirect(url_for(".people", course=seat.course.slug), 303)


def propose(seat: Seat, content: bytes, listed: roster.Roster, changed: bool = False) -> str:
    """The page of what this roster would change."""
    with services().database.read() as session:
        proposal = enrolling.propose(
            session,
            session.get_one(Course, seat.course.id),
            listed,
            actor=session.get_one(User, seat.user.id),
        )
    return render_template(
        "instructor/roster.html",
        proposal=proposal,
        kinds=list(enrolling.Kind),
        content=base64.b64encode(content).decode(),
        changed=changed,
    )


@pages.post("/people/<int:user_id>/leave")
@in_course(Role.INSTRUCTOR)
def leave(seat: Seat, user_id: int) -> Response:
    """Nobody removes themselves, so that no course loses its last instructor by mistake."""
    enrolment = access.student(seat, user_id)
    if user_id == seat.user.id:
        flash(_("You cannot remove yourself: another instructor can."))
    else:
        with services().database.write() as session:
            accounts.leave(
                session,
                session.get_one(Course, seat.course.id),
                session.get_one(User, user_id),
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
            )
        flash(
            _("%(user)s has left the course. All that is theirs is kept.", user=enrolment.user.name)
        )
    return redirect(url_for(".people", course=seat.course.slug), 303)


@pages.post("/people/<int:user_id>/return")
@in_course(Role.INSTRUCTOR)
def come_back(seat: Seat, user_id: int) -> Response:
    enrolment = access.student(seat, user_id)
    with services().database.write() as session:
        accounts.enrol(
            session,
            session.get_one(Course, seat.course.id),
            session.get_one(User, user_id),
            enrolment.role,
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    flash(_("%(user)s is in the course again, with all that was theirs.", user=enrolment.user.name))
    return redirect(url_for(".people", course=seat.course.slug), 303)


@pages.post("/people/links")
@in_course(Role.INSTRUCTOR)
def make_links(seat: Seat) -> str | Response:
    """Fresh invitation links for all who have no password yet: shown once, to be passed on, or
    sent by mail."""
    by_mail = request.form.get("by") == "mail" and post() is not None
    with services().database.write() as session:
        actor = session.get_one(User, seat.user.id)
        waiting = session.scalars(
            select(User)
            .join(Enrolment)
            .where(
                Enrolment.course_id == seat.course.id,
                Enrolment.here,
                User.password.is_(None),
                User.disabled.is_(False),
            )
            .order_by(User.email)
        ).all()
        links, left_out = [], []
        for invited in waiting:
            if not accounts.may_invite(session, actor, invited):
                left_out.append(invited)
            elif by_mail:
                links.append((invited, ""))
                outbox.invite(session, invited.id, actor.id, at=services().clock())
            else:
                token = accounts.invite(session, invited, at=services().clock(), actor=actor)
                links.append((invited, url_for("auth.invitation", token=token, _external=True)))
    if by_mail:
        flash(
            ngettext(
                "%(num)s invitation is on the way. Whoever does not get theirs can have a link.",
                "%(num)s invitations are on the way. Whoever does not get theirs can have a link.",
                len(links),
            )
        )
        return redirect(url_for(".people", course=seat.course.slug), 303)
    table = [(invited.name, invited.email, link) for invited, link in links]
    text = spreadsheet.write([("name", "email", "link"), *table], spreadsheet.EXCEL)
    return render_template(
        "instructor/links.html",
        links=links,
        left_out=left_out,
        href=f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}",
        filename=f"{seat.course.slug}-invitations.csv",
    )


@pages.post("/people/<int:user_id>/role")
@in_course(Role.INSTRUCTOR)
def change_role(seat: Seat, user_id: int) -> Response:
    """Nobody changes their own, so that no course loses its last instructor by mistake."""
    enrolment = access.student(seat, user_id)
    role = request.form.get("role", "")
    if role not in list(Role):
        abort(422)
    if user_id == seat.user.id:
        flash(_("Your own role is for another instructor to change."))
    else:
        with services().database.write() as session:
            accounts.enrol(
                session,
                session.get_one(Course, seat.course.id),
                session.get_one(User, user_id),
                Role(role),
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
            )
        flash(_(_NOW[Role(role)], user=enrolment.user.name))
    return redirect(url_for(".people", course=seat.course.slug), 303)


@pages.post("/people/<int:user_id>/section")
@in_course(Role.INSTRUCTOR)
def change_section(seat: Seat, user_id: int) -> Response:
    enrolment = access.student(seat, user_id)
    section = " ".join(request.form.get("section", "").replace("\0", "").split())[:100]
    with services().database.write() as session:
        row = session.get_one(Enrolment, (seat.course.id, user_id))
        if row.section != section:
            audit.record(
                session,
                audit.Action.SECTION_CHANGED,
                f"user:{user_id}",
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
                course_id=seat.course.id,
                before=row.section,
                after=section,
            )
            row.section = section
    flash(
        _("%(user)s is in section %(section)s.", user=enrolment.user.name, section=section)
        if section
        else _("%(user)s is in no section.", user=enrolment.user.name)
    )
    return redirect(url_for(".people", course=seat.course.slug), 303)


def _people(seat: Seat, refusal: str = "") -> str:
    """The staff first, then the students by name; who has left comes last."""
    search, page = request.args.get("search", "").strip()[:100], max(1, number("page", 1))
    everybody = select(Enrolment).join(Enrolment.user).where(Enrolment.course_id == seat.course.id)
    listed = everybody.where(people_named(search)) if search else everybody
    rank = case({role: -role.rank for role in Role}, value=Enrolment.role)
    query = (
        listed.options(contains_eager(Enrolment.user))
        .order_by(Enrolment.left_at.is_not(None), rank, User.name, User.email)
        .limit(_ROWS)
        .offset((page - 1) * _ROWS)
    )

    def count(chosen: Select[Enrolment]) -> int:
        return session.scalar(select(func.count()).select_from(chosen.subquery())) or 0

    with services().database.read() as session:
        enrolments = session.scalars(query).all()
        without_password = count(
            everybody.where(User.password.is_(None), User.disabled.is_(False), Enrolment.here)
        )
        total = count(listed)
    return render_template(
        "instructor/people.html",
        enrolments=enrolments,
        without_password=without_password,
        search=search,
        count=total,
        page=page,
        pages=-(-total // _ROWS),
        roles=list(Role),
        refusal=refusal,
    )
