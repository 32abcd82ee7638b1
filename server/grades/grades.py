"""The one place that says what a student's grade is.

`standing` is the rule, a pure function over rows. `refresh` stores what it says in the table
`grades`, from which every page and export reads, and leaves an audit entry where points change.
`could_count` is the rule's other half: which files have to be graded to know it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from server import outbox
from server.grades import by_hand as marked_by_hand
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
    User,
)

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
) -> Standing[_Attempt]:
    """The rule: of the graded submissions that came before the end, the policy's one counts, and
    of the answers to a part marked by hand the last one; each one's share of the points is reduced
    for each day that it is late; what was given or taken by hand is added; no grade is below zero.

    Args:
        zone: the course's, by whose calendar a submission is late.
    """
    limits = deadlines(assignment, extension, zone)

    def late(submission: _Attempt) -> int:
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
    marked = [
        answer.points * kept_share(assignment, limits.late_days(answer.received_at))
        for answer in counting
        if answer.points is not None
    ]
    by_hand = round(sum(marked), _DECIMALS) if marked else None
    beside = total + (by_hand or 0.0)
    if not eligible:
        alone = round(max(0.0, beside), _DECIMALS) if given or marked else None
        return Standing(None, alone, 0, total, by_hand, counting)

    def worth(submission: _Attempt) -> float:
        return worth_of(assignment, submission.score, submission.max_score, late(submission))

    def arrival(submission: _Attempt) -> tuple[datetime, int]:
        return submission.received_at, submission.number

    if assignment.counts is Counts.BEST:
        best = max(worth(submission) for submission in eligible)
        chosen = min((s for s in eligible if worth(s) == best), key=arrival)
    else:
        chosen = max(eligible, key=arrival)
    points = round(max(0.0, worth(chosen) + beside), _DECIMALS)
    return Standing(chosen, points, late(chosen), total, by_hand, counting)


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
    ordered = sorted(users)
    return sum(
        _refresh(session, assignment, ordered[start : start + _AT_ONCE], at, actor, cause)
        for start in range(0, len(ordered), _AT_ONCE)
    )


def _refresh(
    session: Session,
    assignment: Assignment,
    users: Sequence[int],
    at: datetime,
    actor: User | None,
    cause: str,
) -> int:
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

    submissions = of(Submission, Submission.user_id)
    extensions = of(Extension, Extension.user_id)
    adjustments = of(Adjustment, Adjustment.user_id)
    grades = of(Grade, Grade.user_id)
    answers = marked_by_hand.answered(session, assignment, users)
    zone = ZoneInfo(session.get_one(Course, assignment.course_id).timezone)
    changed = 0
    for user in users:
        if not (submissions[user] or adjustments[user] or grades[user] or answers[user]):
            continue
        extension = next(iter(extensions[user]), None)
        for submission in could_count(assignment, extension, submissions[user], zone):
            if submission.state is State.SUPERSEDED:
                submission.state, submission.not_before = State.WAITING, at
                first = session.scalar(select(func.min(Submission.place)))  # its slot has another
                submission.place = min(first or 0, 0) - 1
        result = standing(
            assignment, extension, submissions[user], adjustments[user], zone, answers[user]
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
        grade.adjustment = result.adjustment
        grade.by_hand, grade.unmarked = result.by_hand, result.unmarked
        grade.submissions = len(submissions[user])
        grade.without_gain = without_gain(submissions[user])
        grade.last_received_at = max((s.received_at for s in submissions[user]), default=None)
        session.add(grade)
        _note_counting(session, answers[user], result.answers)
    return changed


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


_Row = TypeVar("_Row", Submission, Extension, Adjustment, Grade)


def _everyone(session: Session, assignment: Assignment) -> set[int]:
    return {
        user
        for table in (Submission, Adjustment, Grade, Answer)
        for user in session.scalars(
            select(table.user_id).where(table.assignment_id == assignment.id).distinct()
        )
    }
