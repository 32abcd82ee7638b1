"""What a regrade would change: grades, not scores.

A report's score says little by itself: its maximum may have changed, and another attempt may count.
So the rule that makes grades (`server.grades.grades.standing`) is asked twice: with the scores as
they were, and with those that the regrade has found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.grades import free_days, teams
from server.grades.by_hand import Answered, answered
from server.grades.grades import Standing, could_count, share_of, standing
from server.storage.models import (
    Adjustment,
    Assignment,
    Course,
    Extension,
    Regrade,
    RegradeItem,
    State,
    Submission,
    User,
)


@dataclass(frozen=True)
class Attempt:
    """A submission, as the rule sees it."""

    id: int
    public_id: str
    number: int
    state: State
    received_at: datetime
    score: float | None
    max_score: float | None
    reference: str | None

    @property
    def share(self) -> float | None:
        """Of what its report could give; None: it has none."""
        return share_of(self.score, self.max_score) if self.state is State.GRADED else None


@dataclass(frozen=True)
class Regraded:
    """An attempt that is in the regrade."""

    item: RegradeItem
    before: Attempt
    after: Attempt

    @property
    def differs(self) -> bool:
        return bool(self.item.changed) or self.item.state is State.FAILED


@dataclass(frozen=True)
class Prospect:
    """A student of whom something is graded anew."""

    user: User
    before: Standing[Attempt]
    after: Standing[Attempt]
    attempts: Sequence[Regraded]
    # Attempts that could count, and that another version graded: with them, too, graded anew the
    # grade might be another.
    left_out: Sequence[Attempt]

    @property
    def gain(self) -> float:
        """Of points."""
        return (self.after.points or 0.0) - (self.before.points or 0.0)

    @property
    def moves(self) -> bool:
        return self.before.points != self.after.points

    @property
    def differs(self) -> bool:
        return self.moves or any(one.differs for one in self.attempts)


@dataclass(frozen=True)
class Outlook:
    prospects: Sequence[Prospect]  # who loses most first
    references: frozenset[str]  # of what is graded so far: more than one where it changed meanwhile
    maxima: Sequence[tuple[str, float | None, float | None]]  # exercises: what they could give

    @property
    def higher(self) -> int:
        return sum(prospect.gain > 0 for prospect in self.prospects)

    @property
    def lower(self) -> int:
        return sum(prospect.gain < 0 for prospect in self.prospects)

    @property
    def left_out(self) -> list[Prospect]:
        return [prospect for prospect in self.prospects if prospect.left_out]


def outlook(session: Session, regrade: Regrade) -> Outlook:
    """What applying it as it stands would change; of one that has ended, what it found."""
    assignment = session.get_one(Assignment, regrade.assignment_id)
    course = session.get_one(Course, assignment.course_id)
    zone = ZoneInfo(course.timezone)
    items = session.scalars(select(RegradeItem).where(RegradeItem.regrade_id == regrade.id)).all()
    graded = [item for item in items if item.state is State.GRADED]
    references = frozenset(item.reference for item in graded if item.reference)
    students = list(_students(session, assignment, items))
    free = free_days.open_to(session, course, assignment, [user.id for user, *_ in students])
    found = [
        _prospect(
            user,
            of_user,
            assignment,
            extension,
            adjustments,
            answers,
            zone,
            references,
            free[user.id],
        )
        for user, of_user, extension, adjustments, answers in students
    ]
    found.sort(key=lambda prospect: (prospect.gain, prospect.user.name, prospect.user.id))
    return Outlook(found, references, _maxima(graded))


def _students(
    session: Session, assignment: Assignment, items: Sequence[RegradeItem]
) -> Iterable[
    tuple[
        User,
        list[tuple[Attempt, RegradeItem | None]],
        Extension | None,
        list[Adjustment],
        list[Answered],
    ]
]:
    by_submission = {item.submission_id: item for item in items}
    attempts: dict[int, list[tuple[Attempt, RegradeItem | None]]] = defaultdict(list)
    columns = (getattr(Submission, name) for name in Attempt.__dataclass_fields__)
    whose = (Submission.user_id, Submission.team_id)
    query = select(*whose, *columns).where(Submission.assignment_id == assignment.id)
    of_team = teams.teams_of(session, assignment)
    members: dict[int, list[int]] = defaultdict(list)
    for user_id, team in of_team.items():
        members[team].append(user_id)
    concerned = set()
    for user_id, team_id, *values in session.execute(query):
        attempt = Attempt(*values)
        item = by_submission.get(attempt.id)
        for owner in [user_id] if team_id is None else members[team_id]:
            attempts[owner].append((attempt, item))
            if item is not None:
                concerned.add(owner)
    extensions = teams.extensions(
        of_team,
        session.scalars(select(Extension).where(Extension.assignment_id == assignment.id)),
    )
    adjustments: dict[int, list[Adjustment]] = defaultdict(list)
    for row in session.scalars(select(Adjustment).where(Adjustment.assignment_id == assignment.id)):
        adjustments[row.user_id].append(row)
    answers = answered(session, assignment, concerned)
    for user in session.scalars(select(User).where(User.id.in_(concerned))):
        if user.id in concerned:
            extension = extensions.get(user.id)
            yield user, attempts[user.id], extension, adjustments[user.id], answers[user.id]


def _prospect(
    user: User,
    attempts: Sequence[tuple[Attempt, RegradeItem | None]],
    assignment: Assignment,
    extension: Extension | None,
    adjustments: Sequence[Adjustment],
    answers: Sequence[Answered],
    zone: tzinfo,
    references: frozenset[str],
    free: int,
) -> Prospect:
    before, after, regraded, others = [], [], [], []
    for attempt, item in sorted(attempts, key=lambda pair: pair[0].number):
        was = attempt if item is None else _was(attempt, item)
        would_be = was if item is None else _would_be(was, item)
        before.append(was)
        after.append(would_be)
        if item is not None:
            regraded.append(Regraded(item, was, would_be))
        elif attempt.state is State.GRADED and attempt.reference not in references:
            others.append(attempt)
    deciding = could_count(assignment, extension, after, zone)
    return Prospect(
        user,
        standing(assignment, extension, before, adjustments, zone, answers, free),
        standing(assignment, extension, after, adjustments, zone, answers, free),
        regraded,
        [attempt for attempt in others if references and attempt in deciding],
    )


def _was(attempt: Attempt, item: RegradeItem) -> Attempt:
    """Before the regrade, whether or not it is applied."""
    if item.state is not State.GRADED:
        return attempt
    if item.score_before is None:
        state = State.SUPERSEDED if attempt.state is State.GRADED else attempt.state
        return replace(attempt, state=state, score=None, max_score=None)
    return replace(attempt, score=item.score_before, max_score=item.max_score_before)


def _would_be(was: Attempt, item: RegradeItem) -> Attempt:
    if item.state is not State.GRADED:
        return was
    return replace(
        was,
        state=State.GRADED,
        score=item.score,
        max_score=item.max_score,
        reference=item.reference,
    )


def _maxima(
    graded: Iterable[RegradeItem],
) -> list[tuple[str, float | None, float | None]]:
    """The exercises that can give more or less than before, or have come or gone."""
    found = {}
    for item in graded:
        if item.score_before is None:
            continue
        for exercise in item.exercises or ():
            before, after = exercise["before"], exercise["after"]
            most = (before[1] if before else None, after[1] if after else None)
            if most[0] != most[1]:
                found[exercise["name"]] = most
    return [(name, *most) for name, most in found.items()]
