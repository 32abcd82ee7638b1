"""Regrades: start one, watch it, see what it would change, apply or discard it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, abort, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response as BaseResponse
from wtforms import SelectChoice

from server.grading import outlook, regrades
from server.grading.regrades import RegradeError, Which
from server.language import _, ngettext
from server.storage.config import ConfigError
from server.storage.models import (
    Assignment,
    Enrolment,
    Regrade,
    RegradeItem,
    RegradeState,
    Role,
    State,
    User,
)
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import number, pages
from server.web.instructor.forms import RegradeForm
from server.web.instructor.glance import how_many
from server.web.services import services

_ROWS = 50
_LISTED = 50


@dataclass(frozen=True)
class Counts:
    """How far a regrade is."""

    total: int
    done: int
    failed: int

    @property
    def complete(self) -> bool:
        return self.done == self.total


@pages.get("/regrades")
@in_course(Role.ASSISTANT)
def all_regrades(seat: Seat) -> str:
    return _regrades(seat, _form(seat))


@pages.post("/regrades")
@in_course(Role.ASSISTANT)
def start_regrade(seat: Seat) -> BaseResponse | tuple[str, int]:
    form = _form(seat)
    if not form.validate_on_submit():
        return _regrades(seat, form), 422
    chosen = access.assignment(seat, form.assignment.data)
    try:
        reference = services().engine.digest(chosen.topic)
    except ConfigError as error:
        return _regrades(seat, form, str(error)), 422
    try:
        with services().database.write() as session:
            regrade = regrades.start(
                session,
                session.get_one(Assignment, chosen.id),
                form.students.data or None,
                Which(form.which.data),
                form.reason.data.strip(),
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
                reference=reference,
            )
    except RegradeError as error:
        return _regrades(seat, form, str(error)), 422
    return _to(seat, regrade.id)


@pages.get("/regrades/<int:regrade_id>/")
@in_course(Role.ASSISTANT)
def regrade(seat: Seat, regrade_id: int) -> str:
    """The differences: each student's grade as it is and as it would be, and what makes it."""
    everything, page = request.args.get("show") == "all", max(1, number("page", 1))
    with services().database.read() as session:
        found = _regrade(session, seat, regrade_id)
        counts = _counts(session, found)
        view = outlook.outlook(session, found)
    shown = [one for one in view.prospects if everything or one.differs]
    return render_template(
        "instructor/regrade.html",
        regrade=found,
        counts=counts,
        outlook=view,
        prospects=shown[(page - 1) * _ROWS : page * _ROWS],
        page=page,
        pages=-(-len(shown) // _ROWS),
        everything=everything,
    )


@pages.get("/regrades/<int:regrade_id>/status")
@in_course(Role.ASSISTANT)
def regrade_status(seat: Seat, regrade_id: int) -> Response:
    with services().database.read() as session:
        found = _regrade(session, seat, regrade_id)
        counts = _counts(session, found)
    final = counts.complete or found.state is not RegradeState.RUNNING
    return jsonify(done=counts.done, total=counts.total, final=final)


@pages.post("/regrades/<int:regrade_id>/apply")
@in_course(Role.INSTRUCTOR)
def apply_regrade(seat: Seat, regrade_id: int) -> BaseResponse:
    return _end(seat, regrade_id, apply=True)


@pages.post("/regrades/<int:regrade_id>/discard")
@in_course(Role.INSTRUCTOR)
def discard_regrade(seat: Seat, regrade_id: int) -> BaseResponse:
    return _end(seat, regrade_id, apply=False)


def _end(seat: Seat, regrade_id: int, *, apply: bool) -> BaseResponse:
    try:
        with services().database.write() as session:
            at = services().clock()
            found = _regrade(session, seat, regrade_id)
            actor = session.get_one(User, seat.user.id)
            if apply:
                changed = regrades.apply(session, found, at=at, actor=actor)
                flash(
                    ngettext(
                        "Applied: %(num)s grade changed.",
                        "Applied: %(num)s grades changed.",
                        changed,
                    )
                )
            else:
                regrades.discard(session, found, at=at, actor=actor)
                flash(_("Discarded: everything stays as it was."))
    except RegradeError as error:
        flash(str(error))
    return _to(seat, regrade_id)


def _to(seat: Seat, regrade_id: int) -> BaseResponse:
    address = url_for(".regrade", course=seat.course.slug, regrade_id=regrade_id)
    return redirect(address, 303)


def _regrade(session: Session, seat: Seat, regrade_id: int) -> Regrade:
    query = (
        select(Regrade)
        .join(Assignment)
        .where(Regrade.id == regrade_id, Assignment.course_id == seat.course.id)
        .options(joinedload(Regrade.assignment), joinedload(Regrade.started_by))
    )
    return session.scalar(query) or abort(404)


def _counts(session: Session, regrade: Regrade) -> Counts:
    return Counts(
        *session.execute(
            select(
                func.count(),
                how_many(RegradeItem.state.not_in((State.WAITING, State.GRADING))),
                how_many(RegradeItem.state == State.FAILED),
            ).where(RegradeItem.regrade_id == regrade.id)
        ).one()
    )


def _form(seat: Seat) -> RegradeForm:
    form = RegradeForm(assignment=request.args.get("assignment"))
    with services().database.read() as session:
        assignments = session.execute(
            select(Assignment.slug, Assignment.title)
            .where(Assignment.course_id == seat.course.id)
            .order_by(Assignment.position)
        )
        form.assignment.choices = [SelectChoice(*row) for row in assignments]
        students = session.execute(
            select(User.id, User.name, User.email)
            .join(Enrolment, Enrolment.user_id == User.id)
            .where(Enrolment.course_id == seat.course.id)
            .order_by(User.name, User.email)
        )
        form.students.choices = [
            SelectChoice(id_, f"{name} ({email})") for id_, name, email in students
        ]
    return form


def _regrades(seat: Seat, form: RegradeForm, refusal: str = "") -> str:
    with services().database.read() as session:
        found = session.scalars(
            select(Regrade)
            .join(Assignment)
            .where(Assignment.course_id == seat.course.id)
            .options(joinedload(Regrade.assignment), joinedload(Regrade.started_by))
            .order_by(Regrade.id.desc())
            .limit(_LISTED)
        ).all()
    return render_template("instructor/regrades.html", form=form, regrades=found, refusal=refusal)
