"""Whose a submission is: of who handed it in, or of everybody who is in their team."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, joinedload

from server.storage.models import Assignment, Extension, Submission, Team, TeamMember, User

_ONE = aliased(Submission)  # made once: that takes longer than to ask


def theirs(
    user: int | BindParameter[int] | InstrumentedAttribute[int],
) -> ColumnElement[bool]:
    """The condition by which a submission is a student's: handed in alone, or by one of the
    team."""
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user)
    if isinstance(user, InstrumentedAttribute):
        alone = and_(Submission.user_id == user, Submission.team_id.is_(None))
        return or_(alone, Submission.team_id.in_(teams))
    # Each by its index: for an "or", SQLite reads all that was handed in to an assignment.
    own = select(_ONE.id).where(_ONE.user_id == user, _ONE.team_id.is_(None))
    return Submission.id.in_(union_all(own, select(_ONE.id).where(_ONE.team_id.in_(teams))))


def by_any(users: Collection[int], teams: Collection[int]) -> ColumnElement[bool]:
    """The condition by which a submission was handed in by one of the users, or for one of the
    teams. Each by its index, as in `theirs`."""
    if not teams:
        return Submission.user_id.in_(users)
    own = select(_ONE.id).where(_ONE.user_id.in_(users))
    return Submission.id.in_(union_all(own, select(_ONE.id).where(_ONE.team_id.in_(teams))))


def beside(submission: Submission) -> ColumnElement[bool]:
    """The condition by which others are of the same student, or of the same team."""
    if submission.team_id is not None:
        return Submission.team_id == submission.team_id
    return and_(Submission.user_id == submission.user_id, Submission.team_id.is_(None))


def team_of(session: Session, assignment: Assignment, user: int) -> Team | None:
    if assignment.team_size == 1:
        return None
    row = session.get(TeamMember, (assignment.id, user), options=[joinedload(TeamMember.team)])
    return None if row is None else row.team


def have_handed_in(session: Session, assignment: Assignment) -> bool:
    query = select(Submission.id).where(
        Submission.assignment_id == assignment.id, Submission.team_id.is_not(None)
    )
    return session.scalar(query.limit(1)) is not None


def members(session: Session, team: Team) -> Sequence[User]:
    """By name."""
    return session.scalars(
        select(User)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.team_id == team.id)
        .order_by(User.name, User.id)
    ).all()


def owners(session: Session, submission: Submission) -> list[int]:
    """All whose it is."""
    if submission.team_id is None:
        return [submission.user_id]
    query = select(TeamMember.user_id).where(TeamMember.team_id == submission.team_id)
    return sorted(session.scalars(query))


def teams_of(session: Session, assignment: Assignment) -> dict[int, int]:
    """The team of each student who is in one."""
    if assignment.team_size == 1:
        return {}
    rows = select(TeamMember.user_id, TeamMember.team_id).where(
        TeamMember.assignment_id == assignment.id
    )
    return dict(session.execute(rows).all())


def together(teams: Mapping[int, int], users: Iterable[int]) -> set[int]:
    """These users and all who are in a team with one of them."""
    chosen = set(users)
    of_them = {teams[user] for user in chosen if user in teams}
    return chosen | {user for user, team in teams.items() if team in of_them}


def by_user(
    teams: Mapping[int, int], users: Collection[int], submissions: Iterable[Submission]
) -> dict[int, list[Submission]]:
    """What is each one's, those of a team with every member."""
    members = defaultdict(list)
    for user in users:
        if user in teams:
            members[teams[user]].append(user)
    found: dict[int, list[Submission]] = defaultdict(list)
    for row in submissions:
        owners = [row.user_id] if row.team_id is None else members[row.team_id]
        for user in owners:
            found[user].append(row)
    return found


def extensions(teams: Mapping[int, int], rows: Iterable[Extension]) -> dict[int, Extension]:
    """What was granted to each: what one of a team was granted holds for all of it, the latest
    date and the most attempts of each."""
    own = {row.user_id: row for row in rows}
    of_team = defaultdict(list)
    for user, row in own.items():
        if user in teams:
            of_team[teams[user]].append(row)
    shared = {user: _most(of_team[team]) for user, team in teams.items() if len(of_team[team]) > 0}
    return own | shared


def extension(session: Session, assignment: Assignment, user: int) -> Extension | None:
    """The one that holds for a student."""
    query = select(Extension).where(Extension.assignment_id == assignment.id)
    teams = teams_of(session, assignment)
    rows = session.scalars(query.where(Extension.user_id.in_(together(teams, {user})))).all()
    return extensions(teams, rows).get(user)


def _most(rows: Sequence[Extension]) -> Extension:
    if len(rows) == 1:
        return rows[0]

    def latest(moments: Iterable[datetime | None]) -> datetime | None:
        return max((moment for moment in moments if moment is not None), default=None)

    return Extension(
        due_at=latest(row.due_at for row in rows),
        late_until=latest(row.late_until for row in rows),
        extra_attempts=max(row.extra_attempts for row in rows),
        extra_minutes=max(row.extra_minutes for row in rows),
    )
