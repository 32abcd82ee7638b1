"""Teams: made and joined by students, or put together by staff."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server.grades import grades, teams
from server.grades.attempts import NotAllowed
from server.grades.deadlines import deadlines
from server.language import _
from server.storage import audit
from server.storage.models import (
    Assignment,
    Submission,
    Team,
    TeamMember,
    TeamsBy,
    User,
)

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another


def make(session: Session, assignment: Assignment, user: User, *, at: datetime) -> Team:
    """A team of the student's own, which others join by its code.

    Raises:
        NotAllowed: the assignment has no teams of students' making, or the student cannot be in
            a new one.
    """
    _may_enter(session, assignment, user, at)
    row = _new(session, assignment, "", at)
    _put(session, assignment, row, user.id, at, user)
    return row


def join(session: Session, assignment: Assignment, user: User, code: str, *, at: datetime) -> Team:
    """
    Raises:
        NotAllowed: there is no such team, it is full, has handed in, or the student may not.
    """
    _may_enter(session, assignment, user, at)
    said = "".join(code.split()).upper()
    row = session.scalar(select(Team).where(Team.assignment_id == assignment.id, Team.code == said))
    if row is None:
        raise NotAllowed(_("There is no team with this code: ask who gave it to you."))
    if _size(session, row) >= assignment.team_size:
        raise NotAllowed(
            _("This team is full: it has %(count)s members.", count=assignment.team_size)
        )
    if _has_handed_in(session, Submission.team_id == row.id):
        raise NotAllowed(_("This team has handed in already: the staff can put you into it."))
    _put(session, assignment, row, user.id, at, user)
    return row


def leave(session: Session, assignment: Assignment, user: User, *, at: datetime) -> None:
    """
    Raises:
        NotAllowed: the student is in no team, or it has handed in.
    """
    if assignment.teams_by is not TeamsBy.STUDENTS:
        raise NotAllowed(_("The staff put the teams of this assignment together."))
    row = teams.team_of(session, assignment, user.id)
    if row is None:
        raise NotAllowed(_("You are in no team."))
    if _has_handed_in(session, Submission.team_id == row.id):
        raise NotAllowed(_("Your team has handed in already: the staff can take you out of it."))
    _put(session, assignment, None, user.id, at, user)
    _prune(session, assignment)


def arrange(
    session: Session,
    assignment: Assignment,
    wanted: Mapping[int, str],
    *,
    at: datetime,
    actor: User,
) -> int:
    """Put students into the teams of these names, which are made where there are none; return how
    many are in another team now.

    Args:
        wanted: by student; an empty name: into none.

    Raises:
        NotAllowed: a team would be too large.
    """
    there = {
        row.name: row
        for row in session.scalars(select(Team).where(Team.assignment_id == assignment.id))
    }
    moved = 0
    for user, name in wanted.items():
        before = teams.team_of(session, assignment, user)
        if (before.name if before else "") == name:
            continue
        if name and name not in there:
            there[name] = _new(session, assignment, name, at)
        _put(session, assignment, there[name] if name else None, user, at, actor)
        moved += 1
    session.flush()
    for name, row in there.items():
        if _size(session, row) > assignment.team_size:
            raise NotAllowed(
                f"{name} would have more members than {assignment.team_size}, the most that the "
                "assignment allows."
            )
    _prune(session, assignment)
    return moved


def _prune(session: Session, assignment: Assignment) -> None:
    """Teams without members that have handed nothing in are gone."""
    kept = select(TeamMember.team_id).union(
        select(Submission.team_id).where(Submission.team_id.is_not(None))
    )
    session.execute(delete(Team).where(Team.assignment_id == assignment.id, Team.id.not_in(kept)))


def _may_enter(session: Session, assignment: Assignment, user: User, at: datetime) -> None:
    if assignment.team_size == 1:
        raise NotAllowed(_("Everybody works alone on this assignment."))
    if assignment.teams_by is not TeamsBy.STUDENTS:
        raise NotAllowed(_("The staff put the teams of this assignment together."))
    zone = ZoneInfo(assignment.course.timezone)
    limits = deadlines(assignment, teams.extension(session, assignment, user.id), zone)
    if not limits.takes(at):
        raise NotAllowed(_("This assignment is closed."))
    mine = (Submission.user_id == user.id, Submission.team_id.is_(None))
    if _has_handed_in(session, Submission.assignment_id == assignment.id, *mine):
        raise NotAllowed(_("You have handed in alone already: the staff can put you into a team."))
    if teams.team_of(session, assignment, user.id) is not None:
        raise NotAllowed(_("You are in a team already: leave it first."))


def _new(session: Session, assignment: Assignment, name: str, at: datetime) -> Team:
    code = "".join(secrets.choice(_LETTERS) for _ in range(8))
    row = Team(assignment_id=assignment.id, name=name, code=code, made_at=at)
    session.add(row)
    session.flush()
    row.name = name or f"Team {row.id}"
    return row


def _put(
    session: Session,
    assignment: Assignment,
    team: Team | None,
    user: int,
    at: datetime,
    actor: User,
) -> None:
    """Into the team, or none. Both teams' grades follow: a team's extensions hold for all of it."""
    row = session.get(TeamMember, (assignment.id, user))
    before = None if row is None else teams.team_of(session, assignment, user)
    concerned = teams.together(teams.teams_of(session, assignment), {user})
    if row is not None:
        session.delete(row)
        session.flush()
    if team is not None:
        session.add(
            TeamMember(assignment_id=assignment.id, user_id=user, team_id=team.id, joined_at=at)
        )
    session.flush()
    audit.record(
        session,
        audit.Action.TEAM_CHANGED,
        f"user:{user}",
        at=at,
        actor=actor,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        before=None if before is None else before.name,
        after=None if team is None else team.name,
    )
    grades.refresh(
        session, assignment, concerned | {user}, at=at, actor=actor, cause="team changed"
    )


def _size(session: Session, team: Team) -> int:
    query = select(func.count()).where(TeamMember.team_id == team.id)
    return session.scalar(query) or 0


def _has_handed_in(session: Session, *which: object) -> bool:
    found = select(Submission.id).where(*which).limit(1)  # type: ignore[arg-type]
    return session.scalar(found) is not None
