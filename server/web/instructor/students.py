"""One student: attempts, grades and how each came about; more time, and points by hand."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from server.grades import free_days, marking, teams
from server.grades.breakdown import Step, breakdown
from server.grades.deadlines import Deadlines, deadlines
from server.grades.totals import Totals
from server.language import _
from server.storage.models import (
    Adjustment,
    Assignment,
    AuditEntry,
    Course,
    Enrolment,
    Extension,
    Grade,
    Role,
    Submission,
    User,
)
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.instructor.forms import AdjustmentForm, ExtensionForm
from server.web.problems import Problem
from server.web.services import services

_ENTRIES = 50


@dataclass(frozen=True)
class Record:
    """All about a student at one assignment."""

    assignment: Assignment
    deadlines: Deadlines
    grade: Grade | None
    submissions: list[Submission]
    extension: Extension | None
    adjustments: list[Adjustment]

    @property
    def counting(self) -> Submission | None:
        wanted = self.grade.submission_id if self.grade else None
        return next((s for s in self.submissions if s.id == wanted), None)

    @property
    def steps(self) -> list[Step]:
        """How the grade came about."""
        if self.grade is None:
            return []
        return breakdown(self.assignment, self.grade, self.adjustments)


@pages.get("/students/<int:user_id>/")
@in_course(Role.ASSISTANT)
def student(seat: Seat, user_id: int) -> str:
    return _student(seat, access.student(seat, user_id))


@pages.post("/students/<int:user_id>/see")
@in_course(Role.ASSISTANT)
def see_as(seat: Seat, user_id: int) -> Response:
    """Look at the course as a student sees it, with the dates and limits that hold for them."""
    enrolment = access.student(seat, user_id)
    if enrolment.role is not Role.STUDENT or not enrolment.here:
        raise Problem(409, _("%(user)s is no student of this course.", user=enrolment.user.name))
    access.see_as(seat, enrolment)
    return redirect(url_for("student.course", course=seat.course.slug), 303)


@pages.post("/unsee")
@in_course(Role.ASSISTANT)
def see_as_oneself(seat: Seat) -> Response:
    access.see_as_oneself()
    return redirect(url_for(".gradebook", course=seat.course.slug), 303)


@pages.post("/students/<int:user_id>/extensions/<assignment>")
@in_course(Role.INSTRUCTOR)
def grant(seat: Seat, user_id: int, assignment: str) -> Response | tuple[str, int]:
    enrolment, chosen = access.student(seat, user_id), access.assignment(seat, assignment)
    form = ExtensionForm()
    if not form.validate_on_submit():
        return _student(seat, enrolment, chosen.slug, extension_form=form), 422
    zone = ZoneInfo(seat.course.timezone)
    due, late = form.moment("due_at", zone), form.moment("late_until", zone)
    if form.due_at.errors or form.late_until.errors:
        return _student(seat, enrolment, chosen.slug, extension_form=form), 422
    if late is not None and late < (due or chosen.due_at):
        form.late_until.errors = [_("It must not be before the due date.")]
        return _student(seat, enrolment, chosen.slug, extension_form=form), 422
    with services().database.write() as session:
        marking.grant(
            session,
            session.get_one(Assignment, chosen.id),
            user_id,
            due_at=due,
            late_until=late,
            extra_attempts=form.extra_attempts.data,
            extra_minutes=form.extra_minutes.data or 0,
            reason=form.extension_reason.data.strip(),
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    flash(
        _(
            "%(assignment)s: granted to %(user)s.",
            assignment=chosen.title,
            user=enrolment.user.name,
        )
    )
    return _back(seat, user_id, chosen)


@pages.post("/students/<int:user_id>/adjustments/<assignment>")
@in_course(Role.INSTRUCTOR)
def adjust(seat: Seat, user_id: int, assignment: str) -> Response | tuple[str, int]:
    enrolment, chosen = access.student(seat, user_id), access.assignment(seat, assignment)
    form = AdjustmentForm()
    if not form.validate_on_submit():
        return _student(seat, enrolment, chosen.slug, adjustment_form=form), 422
    with services().database.write() as session:
        marking.adjust(
            session,
            session.get_one(Assignment, chosen.id),
            user_id,
            float(form.points.data),
            form.adjustment_reason.data.strip(),
            at=services().clock(),
            actor=session.get_one(User, seat.user.id),
        )
    flash(
        _(
            "%(assignment)s: the grade of %(user)s is adjusted.",
            assignment=chosen.title,
            user=enrolment.user.name,
        )
    )
    return _back(seat, user_id, chosen)


def _back(seat: Seat, user_id: int, assignment: Assignment) -> Response:
    return redirect(
        url_for(".student", course=seat.course.slug, user_id=user_id, _anchor=assignment.slug),
        303,
    )


def _student(
    seat: Seat,
    enrolment: Enrolment,
    refused: str = "",
    extension_form: ExtensionForm | None = None,
    adjustment_form: AdjustmentForm | None = None,
) -> str:
    """
    Args:
        refused: the assignment whose form was not accepted.
    """
    with services().database.read() as session:
        records = _records(session, seat, enrolment.user_id)
        totals = Totals(
            session,
            session.get_one(Course, seat.course.id),
            services().clock(),
            only=enrolment.user_id,
        )
        theirs = {r.assignment.id: r.grade for r in records if r.grade is not None}
        total = totals.of(enrolment.user_id, theirs)
        free = None
        if enrolment.role is Role.STUDENT:
            free = free_days.account(
                session, seat.course, enrolment.user_id, services().clock(), for_student=False
            )
        history = session.scalars(
            select(AuditEntry)
            .where(
                AuditEntry.course_id == seat.course.id,
                AuditEntry.subject == f"user:{enrolment.user_id}",
            )
            .options(joinedload(AuditEntry.actor))
            .order_by(AuditEntry.id.desc())
            .limit(_ENTRIES)
        ).all()
    return render_template(
        "instructor/student.html",
        enrolment=enrolment,
        records=records,
        total=total,
        free=free,
        history=history,
        refused=refused,
        forms={
            record.assignment.slug: (
                extension_form
                if extension_form and refused == record.assignment.slug
                else _extension_form(seat, record.extension),
                adjustment_form
                if adjustment_form and refused == record.assignment.slug
                else AdjustmentForm(formdata=None),
            )
            for record in records
        },
    )


def _extension_form(seat: Seat, extension: Extension | None) -> ExtensionForm:
    """Filled with what holds now."""
    if extension is None:
        return ExtensionForm(formdata=None)
    zone = ZoneInfo(seat.course.timezone)
    return ExtensionForm(
        formdata=None,
        due_at=extension.due_at and extension.due_at.astimezone(zone),
        late_until=extension.late_until and extension.late_until.astimezone(zone),
        extra_attempts=extension.extra_attempts,
        extra_minutes=extension.extra_minutes,
        extension_reason=extension.reason,
    )


def _records(session: Session, seat: Seat, user_id: int) -> list[Record]:
    assignments = Assignment.of(session, seat.course)
    ids = [assignment.id for assignment in assignments]
    submissions = session.scalars(
        select(Submission)
        .where(teams.theirs(user_id), Submission.assignment_id.in_(ids))
        .order_by(Submission.number)
    ).all()
    stored = session.scalars(
        select(Grade)
        .where(Grade.user_id == user_id, Grade.assignment_id.in_(ids))
        .options(joinedload(Grade.submission))
    ).all()
    extensions = session.scalars(
        select(Extension)
        .where(Extension.user_id == user_id, Extension.assignment_id.in_(ids))
        .options(joinedload(Extension.granted_by))
    ).all()
    adjustments = session.scalars(
        select(Adjustment)
        .where(Adjustment.user_id == user_id, Adjustment.assignment_id.in_(ids))
        .options(joinedload(Adjustment.adjusted_by))
        .order_by(Adjustment.id)
    ).all()
    found = []
    for assignment in assignments:
        extension = next((e for e in extensions if e.assignment_id == assignment.id), None)
        found.append(
            Record(
                assignment,
                deadlines(assignment, extension, ZoneInfo(seat.course.timezone)),
                next((g for g in stored if g.assignment_id == assignment.id), None),
                [s for s in submissions if s.assignment_id == assignment.id],
                extension,
                [a for a in adjustments if a.assignment_id == assignment.id],
            )
        )
    return found
