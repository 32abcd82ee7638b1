"""The teams of an assignment: who is in which, put together one by one or by a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from server import sheet
from server.courses import teaming
from server.grades.attempts import NotAllowed
from server.language import _, ngettext
from server.people.accounts import normal_email
from server.sheet import SheetError
from server.storage.models import (
    Assignment,
    Enrolment,
    Role,
    Submission,
    Team,
    TeamMember,
    User,
)
from server.web import access
from server.web.access import Seat, in_course
from server.web.instructor.blueprint import pages
from server.web.services import services

_MOST = 2**20  # bytes of a list
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Row:
    """A team."""

    team: Team
    members: Sequence[User]
    submissions: int


@pages.get("/assignments/<assignment>/teams")
@in_course(Role.ASSISTANT)
def teams(seat: Seat, assignment: str) -> str:
    return _page(seat, access.assignment(seat, assignment))


@pages.post("/assignments/<assignment>/teams")
@in_course(Role.INSTRUCTOR)
def arrange_teams(seat: Seat, assignment: str) -> Response | tuple[str, int]:
    """Put one student into a team, or all that a list names."""
    chosen = access.assignment(seat, assignment)
    try:
        if chosen.team_size == 1:
            raise NotAllowed(_("Everybody works alone on this assignment."))
        with services().database.write() as session:
            moved = teaming.arrange(
                session,
                session.get_one(Assignment, chosen.id),
                _wanted(session, seat),
                at=services().clock(),
                actor=session.get_one(User, seat.user.id),
            )
    except (NotAllowed, SheetError) as error:
        return _page(seat, chosen, str(error)), 422
    flash(
        ngettext(
            "%(num)s student in another team now.", "%(num)s students in another team now.", moved
        )
    )
    return redirect(url_for(".teams", course=seat.course.slug, assignment=chosen.slug), 303)


def _wanted(session: Session, seat: Seat) -> Mapping[int, str]:
    """Raises SheetError where what was sent says nothing that could be done."""
    students = {user.email: user.id for user in _students(session, seat)}
    sent = request.files.get("list")
    if sent is None or not sent.filename:
        pairs = [("", request.form.get("student", ""), request.form.get("team", ""))]
    else:
        pairs = _listed(sent.read(_MOST + 1))
    wanted: dict[int, str] = {}
    for where, address, name in pairs:
        user = students.get(normal_email(address))
        if user is None:
            raise SheetError(
                _(
                    "%(where)s%(address)s is no student of the course.",
                    where=where,
                    address=address[:100] or _("Nobody"),
                )
            )
        if user in wanted:
            raise SheetError(
                _("%(where)s%(address)s is listed twice.", where=where, address=address[:100])
            )
        wanted[user] = sheet.clean(name)[:_LONGEST_NAME]
    return wanted


def _listed(content: bytes) -> list[tuple[str, str, str]]:
    """(the line, an address, a team's name)"""
    table = sheet.read(content, "The list", _MOST)
    headings = [sheet.clean(heading).casefold() for heading in table.headings]
    if "email" not in headings or "team" not in headings:
        raise SheetError(_('The list needs the columns "email" and "team".'))
    email, team = headings.index("email"), headings.index("team")
    return [
        (_("Line %(number)s: ", number=line), row[email].strip(), row[team])
        for line, row in table.rows
    ]


def _students(session: Session, seat: Seat) -> Sequence[User]:
    query = (
        select(User)
        .join(Enrolment, Enrolment.user_id == User.id)
        .where(
            Enrolment.course_id == seat.course.id, Enrolment.role == Role.STUDENT, Enrolment.here
        )
        .order_by(User.name, User.id)
    )
    return session.scalars(query).all()


def _page(seat: Seat, assignment: Assignment, refusal: str = "") -> str:
    with services().database.read() as session:
        members = session.scalars(
            select(TeamMember)
            .join(TeamMember.user)
            .where(TeamMember.assignment_id == assignment.id)
            .options(joinedload(TeamMember.user))
            .order_by(User.name, User.id)
        ).all()
        handed_in = (
            select(Submission.team_id, func.count())
            .where(Submission.assignment_id == assignment.id, Submission.team_id.is_not(None))
            .group_by(Submission.team_id)
        )
        counts = dict(session.execute(handed_in).all())
        there = session.scalars(
            select(Team).where(Team.assignment_id == assignment.id).order_by(Team.name, Team.id)
        ).all()
        students = _students(session, seat)
    placed = {row.user_id for row in members}
    return render_template(
        "instructor/teams.html",
        assignment=assignment,
        rows=[
            Row(team, [m.user for m in members if m.team_id == team.id], counts.get(team.id, 0))
            for team in there
        ],
        students=students,
        alone=[user for user in students if user.id not in placed],
        refusal=refusal,
    )
