"""The one place that says what a student's grade is.

`standing` is the rule, a pure function over rows. `refresh` stores what it says in the table
`grades`, from which every page and export reads, and leaves an audit entry where points change.
`could_count` is the rule's other half: which files have to be graded to know it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from server import outbox
from server.grades import by_hand as marked_by_hand
from server.grades import free_days, teams
from server.grades.by_hand import Answered
from server.grades.deadlines import Deadlines, deadlines
from server.storage import audit
from server.storage.models import (
    Adjustment,
    Answer,
    Assignment,
    Counts,
    Course,
    Extension,
    Grade,
    State,
    Submission,
    TeamMember,
    User,
)
from server.storage.sums import upsert

_DECIMALS = 6
_AT_ONCE = 500  # users in one query: databases limit the parameters of a statement


class Attempt(Protocol):
    """Of a submission, what its grade depends on."""

    @property
    def number(self) -> int: ...
    @property
    def state(self) -> State: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def score(self) -> float | None: ...
    @property
    def max_score(self) -> float | None: ...


_Attempt = TypeVar("_Attempt", bound=Attempt)


@dataclass(frozen=True)
class Standing(Generic[_Attempt]):
    """What a student has for an assignment."""

    submission: _Attempt | None  # the one that counts
    points: float | None  # None: nothing is graded and nothing was given by hand
    late_days: int
    adjustment: float
    by_hand: float | None = None  # of the points, from parts marked by hand; None: none is marked
    answers: tuple[Answered, ...] = ()  # one a part: those that count
    free_days: int = 0  # that it uses

    @property
    def unmarked(self) -> int:
        return sum(1 for answer in self.answers if answer.points is None)


def standing(
    assignment: Assignment,
    extension: Extension | None,
    submissions: Iterable[_Attempt],
    adjustments: Iterable[Adjustment],
    zone: tzinfo,
    answers: Iterable[Answered] = (),
    free: int = 0,
) -> Standing[_Attempt]:
    """The rule: of the graded submissions that came before the end, the policy's one counts, and
    of the answers to a part marked by hand the last one; each one's share of the points is reduced
    for each day that it is late beyond the free ones; what was given or taken by hand is added; no
    grade is below zero. As few of the free days are used as give as many points.

    Args:
        zone: the course's, by whose calendar a submission is late.
        free: how many free days may be used, as `server.grades.free_days` says.
    """
    limits = deadlines(assignment, extension, zone)

    def late(submission: _Attempt | Answered) -> int:
        return limits.late_days(submission.received_at)

    eligible = [
        submission
        for submission in submissions
        if submission.state is State.GRADED
        and limits.takes(submission.received_at)
        and (assignment.counts is not Counts.LAST_BEFORE_DUE or late(submission) == 0)
    ]
    given = [adjustment.points for adjustment in adjustments]
    total = round(sum(given), _DECIMALS)
    counting = _counting_answers(assignment, limits, answers)
    marked = [answer for answer in counting if answer.points is not None]

    def worth(submission: _Attempt, days: int) -> float:
        beyond = max(0, late(submission) - days)
        return worth_of(assignment, submission.score, submission.max_score, beyond)

    def arrival(submission: _Attempt) -> tuple[datetime, int]:
        return submission.received_at, submission.number

    chosen = None
    if eligible and assignment.counts is Counts.BEST:
        best = max(worth(submission, free) for submission in eligible)
        chosen = min((s for s in eligible if worth(s, free) == best), key=arrival)
    elif eligible:
        chosen = max(eligible, key=arrival)

    def by_hand(days: int) -> float:
        shares = (
            (answer.points or 0.0) * kept_share(assignment, max(0, late(answer) - days))
            for answer in marked
        )
        return round(sum(shares), _DECIMALS)

    def points(days: int) -> float:
        automatic = 0.0 if chosen is None else worth(chosen, days)
        return round(max(0.0, automatic + by_hand(days) + total), _DECIMALS)

    used = next(days for days in range(free + 1) if points(days) == points(free))
    return Standing(
        chosen,
        points(used) if chosen is not None or given or marked else None,
        0 if chosen is None else late(chosen),
        total,
        by_hand(used) if marked else None,
        counting,
        used,
    )


def _counting_answers(
    assignment: Assignment, limits: Deadlines, answers: Iterable[Answered]
) -> tuple[Answered, ...]:
    """Of each part the last answer that was taken, in the parts' order."""
    last: dict[int, Answered] = {}
    for answer in sorted(answers, key=lambda answer: (answer.received_at, answer.number)):
        in_time = assignment.counts is not Counts.LAST_BEFORE_DUE or not limits.late_days(
            answer.received_at
        )
        if limits.takes(answer.received_at) and in_time:
            last[answer.part_id] = answer
    return tuple(last[part] for part in sorted(last))


def could_count(
    assignment: Assignment,
    extension: Extension | None,
    submissions: Iterable[_Attempt],
    zone: tzinfo,
) -> list[_Attempt]:
    """Those whose scores decide the grade, whatever the scores turn out to be: all of them where
    the best one counts, else the last that grading has not failed at."""
    limits = deadlines(assignment, extension, zone)
    eligible = [
        submission
        for submission in submissions
        if limits.takes(submission.received_at)
        and (
            assignment.counts is not Counts.LAST_BEFORE_DUE
            or limits.late_days(submission.received_at) == 0
        )
    ]
    if assignment.counts is Counts.BEST:
        return eligible
    last = [s for s in eligible if s.state is not State.FAILED]
    return sorted(last, key=lambda s: (s.received_at, s.number))[-1:]


def worth_of(
    assignment: Assignment, score: float | None, max_score: float | None, late_days: int
) -> float:
    """A submission's points: its share of what the report could give, of the points that are not
    for parts marked by hand, less the penalty for the days it is late."""
    kept = kept_share(assignment, late_days)
    return round(share_of(score, max_score) * assignment.automatic_points * kept, _DECIMALS)


def kept_share(assignment: Assignment, late_days: int) -> float:
    """What is left of a submission's points when it is so many days late, from 0 to 1."""
    return max(0.0, 1 - assignment.late_penalty / 100 * late_days)


def needed(assignment: Assignment, late_days: int, free: int) -> int:
    """How many of so many free days something uses that is so late: as few as keep as much."""
    kept = kept_share(assignment, max(0, late_days - free))
    days = range(min(late_days, free) + 1)
    return next(used for used in days if kept_share(assignment, late_days - used) == kept)


def share_of(score: float | None, max_score: float | None) -> float:
    """What was reached of what the report could give, from 0 to 1."""
    return (score or 0.0) / max_score if max_score else 0.0


def without_gain(submissions: Iterable[Attempt]) -> int:
    """How many graded submissions followed the first with the best score; 0 when that is full."""
    graded = [s for s in submissions if s.state is State.GRADED]
    best = max((share_of(s.score, s.max_score) for s in graded), default=1.0)
    if best >= 1:
        return 0
    first = min(s.number for s in graded if share_of(s.score, s.max_score) == best)
    return sum(1 for s in graded if s.number > first)


def refresh(
    session: Session,
    assignment: Assignment,
    users: Collection[int] | None,
    *,
    at: datetime,
    actor: User | None,
    cause: str,
) -> int:
    """Work the grades of some students (None: of all) out anew; return how many points changed.
    A superseded file that could count by now waits to be graded again.

    Belongs into every transaction that touches what `standing` reads.

    Args:
        cause: what happened, for the audit entry: "graded", "extension", ...
    """
    if users is None:
        users = _everyone(session, assignment)
    ordered = sorted(teams.together(teams.teams_of(session, assignment), users))
    course = session.get_one(Course, assignment.course_id)
    later = free_days.after(session, assignment) if course.free_days else []
    changed = 0
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        found, moved = _refresh(session, course, assignment, some, at, actor, cause)
        changed += found
        for following in later:  # what is used here is missing there
            if moved:
                found, there = _refresh(
                    session, course, following, sorted(moved), at, actor, "free days"
                )
                changed, moved = changed + found, moved | there
    return changed


def handed_in(session: Session, submission: Submission, own: Sequence[Submission]) -> None:
    """Note that a student has handed something in, alone: `refresh` would say the same of the
    grade, since what is not graded yet changes no standing.

    Args:
        own: all that the student has handed in for the assignment by now.
    """
    last = max(row.received_at for row in own)
    new = upsert(session.get_bind().dialect.name, Grade).values(
        assignment_id=submission.assignment_id,
        user_id=submission.user_id,
        submissions=len(own),
        last_received_at=last,
    )
    session.execute(
        new.on_conflict_do_update(
            index_elements=["assignment_id", "user_id"],
            set_={"submissions": len(own), "last_received_at": last},
        )
    )


def _refresh(
    session: Session,
    course: Course,
    assignment: Assignment,
    users: Sequence[int],
    at: datetime,
    actor: User | None,
    cause: str,
) -> tuple[int, set[int]]:
    """How many grades changed, and whose use of free days did."""
    session.flush()

    def of(table: type[_Row], user: InstrumentedAttribute[int]) -> dict[int, list[_Row]]:
        rows = defaultdict(list)
        query = select(table).where(
            table.assignment_id == assignment.id,
            user.in_(users),
        )
        for row in session.scalars(query):
            rows[getattr(row, user.key)].append(row)
        return rows

    of_team = teams.teams_of(session, assignment)
    submissions = teams.by_user(of_team, users, _handed_in(session, assignment, users, of_team))
    granted = select(Extension).where(
        Extension.assignment_id == assignment.id,
        Extension.user_id.in_(teams.together(of_team, users)),
    )
    extensions = teams.extensions(of_team, session.scalars(granted))
    adjustments = of(Adjustment, Adjustment.user_id)
    grades = of(Grade, Grade.user_id)
    answers = marked_by_hand.answered(session, assignment, users)
    free = free_days.open_to(session, course, assignment, users)
    zone = ZoneInfo(course.timezone)
    changed, moved = 0, set()
    for user in users:
        if not (submissions[user] or adjustments[user] or grades[user] or answers[user]):
            continue
        extension = extensions.get(user)
        for submission in could_count(assignment, extension, submissions[user], zone):
            if submission.state is State.SUPERSEDED:
                submission.state, submission.not_before = State.WAITING, at
                first = session.scalar(select(func.min(Submission.place)))  # its slot has another
                submission.place = min(first or 0, 0) - 1
        result = standing(
            assignment,
            extension,
            submissions[user],
            adjustments[user],
            zone,
            answers[user],
            free[user],
        )
        (grade,) = grades[user] or [Grade(assignment_id=assignment.id, user_id=user, points=None)]
        if grade.points != result.points:
            changed += 1
            audit.record(
                session,
                audit.Action.GRADE_CHANGED,
                f"user:{user}",
                at=at,
                actor=actor,
                course_id=assignment.course_id,
                assignment=assignment.slug,
                before=grade.points,
                after=result.points,
                cause=cause,
            )
            outbox.grade_changed(session, assignment.id, user, at=at)
        grade.submission_id = result.submission.id if result.submission else None
        grade.points = result.points
        grade.late_days = result.late_days
        if (grade.free_days or 0) != result.free_days:
            moved.add(user)
        grade.free_days = result.free_days
        grade.adjustment = result.adjustment
        grade.by_hand, grade.unmarked = result.by_hand, result.unmarked
        grade.submissions = len(submissions[user])
        grade.without_gain = without_gain(submissions[user])
        grade.last_received_at = max((s.received_at for s in submissions[user]), default=None)
        session.add(grade)
        _note_counting(session, answers[user], result.answers)
    return changed, moved


def _note_counting(
    session: Session, answers: Collection[Answered], counting: Collection[Answered]
) -> None:
    """Keep beside each answer whether it counts: by that it waits to be marked."""
    if not answers:
        return
    ids = {answer.id for answer in answers}
    those = {answer.id for answer in counting}
    for counts, which in ((True, those), (False, ids - those)):
        session.execute(
            update(Answer)
            .where(Answer.id.in_(which), Answer.counts.is_not(counts))
            .values(counts=counts)
        )


def _handed_in(
    session: Session, assignment: Assignment, users: Sequence[int], of_team: Mapping[int, int]
) -> Sequence[Submission]:
    concerned = {of_team[user] for user in users if user in of_team}
    return session.scalars(
        select(Submission).where(
            Submission.assignment_id == assignment.id,
            teams.by_any(users, concerned),
        )
    ).all()


_Row = TypeVar("_Row", Adjustment, Grade)


def _everyone(session: Session, assignment: Assignment) -> set[int]:
    return {
        user
        for table in (Submission, Adjustment, Grade, Answer, TeamMember)
        for user in session.scalars(
            select(table.user_id).where(table.assignment_id == assignment.id).distinct()
        )
    }
