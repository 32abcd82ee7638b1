"""What the student's pages read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import BindParameter, CompoundSelect, bindparam, func, select, union_all
from sqlalchemy.orm import Session, joinedload

from server.courses import announcing
from server.grades import free_days, release, teams, totals
from server.grades import questions as asked
from server.grades.attempts import FREE, Allowance, allowance
from server.grades.deadlines import Phase, deadlines
from server.grades.free_days import Account
from server.grades.release import Shown
from server.grades.totals import Entry, Total, words
from server.storage.models import (
    Adjustment,
    Announcement,
    Assignment,
    Comment,
    Extension,
    Grade,
    GradeGroup,
    Question,
    Role,
    Sitting,
    Submission,
    Team,
    User,
)
from server.web import access
from server.web.access import Seat
from server.web.markdown import markdown
from server.web.services import services

_USER: BindParameter[int] = bindparam("user")
_ASSIGNMENT: BindParameter[int] = bindparam("assignment")
_ASSIGNMENTS: BindParameter[Sequence[int]] = bindparam("assignments", expanding=True)
_HISTORY = (
    select(Submission)
    .where(Submission.assignment_id == _ASSIGNMENT, teams.theirs(_USER))
    .order_by(Submission.number.desc())
    .options(joinedload(Submission.user))
)
_COMMENTS = (
    select(Comment)
    .where(Comment.submission_id == bindparam("submission"), Comment.for_staff.is_(False))
    .order_by(Comment.id)
    .options(joinedload(Comment.author))
)
_GRADE = (
    select(Grade)
    .where(Grade.assignment_id == _ASSIGNMENT, Grade.user_id == _USER)
    .options(joinedload(Grade.submission))
)
_ADJUSTMENTS = (
    select(Adjustment)
    .where(Adjustment.assignment_id == _ASSIGNMENT, Adjustment.user_id == _USER)
    .order_by(Adjustment.id)
)
_MINE = teams.theirs(_USER), Submission.assignment_id.in_(_ASSIGNMENTS)
_COUNTED = select(Submission.assignment_id, Submission.received_at).where(
    *_MINE, Submission.state.not_in(FREE)
)
# What a student has of each assignment, at most one of each kind.
_OWN = (
    select(Assignment.id, Grade, Extension, Sitting)
    .outerjoin(Grade, (Grade.assignment_id == Assignment.id) & (Grade.user_id == _USER))
    .outerjoin(Extension, (Extension.assignment_id == Assignment.id) & (Extension.user_id == _USER))
    .outerjoin(Sitting, (Sitting.assignment_id == Assignment.id) & (Sitting.user_id == _USER))
    .where(Assignment.id.in_(_ASSIGNMENTS))
)


def _unread() -> CompoundSelect[int, int, int]:
    """How much is new, by assignment and submission."""
    one = (Submission.assignment_id, Submission.id)
    comments = (
        select(*one, func.count())
        .join(Comment, Comment.submission_id == Submission.id)
        .where(*_MINE, Comment.for_staff.is_(False), Comment.read_at.is_(None))
        .group_by(*one)
    )
    answers = (
        select(*one, func.count())
        .join(Question, Question.submission_id == Submission.id)
        .where(*_MINE, Question.answered_at.is_not(None), Question.read_at.is_(None))
        .group_by(*one)
    )
    return union_all(comments, answers)


_UNREAD = _unread()


@dataclass(frozen=True)
class Result:
    """A total, and the rule by which it came about, in sentences."""

    total: Total
    words: list[str]


@dataclass(frozen=True)
class News:
    """An announcement as somebody sees it."""

    row: Announcement
    text: Markup
    is_new: bool


@dataclass(frozen=True)
class Place:
    """A student at an assignment: what they have, and what they may still do."""

    assignment: Assignment
    shown: Shown
    grade: Grade | None  # None too while it is not to be seen
    handed_in: bool
    extension: Extension | None
    allowance: Allowance
    phase: Phase
    unread: Mapping[int, int]  # comments and answers that the student has not seen, by submission
    is_open: bool  # whether what is asked is shown, which may need Start
    free: Account | None  # None: the course has no free days

    @property
    def free_days(self) -> int:
        """How many it may use."""
        return self.free.open_to[self.assignment.id] if self.free else 0


def places(seat: Seat) -> list[Place]:
    """One for each assignment of the course, in its order."""
    with services().database.read() as session:
        assignments = Assignment.of(session, seat.course)
        return _places(session, seat, [a for a in assignments if seat.is_staff or not a.hidden])


def news(seat: Seat) -> list[News]:
    """What is announced to whoever sits here, the newest first."""
    section = seat.enrolment.section if seat.enrolment and not seat.is_staff else None
    with services().database.read() as session:
        rows = announcing.shown(session, seat.course, section)
        new = announcing.unseen(session, seat.user.id, rows) if seat.enrolment else set()
    return [News(row, markdown(row.text, below=2), row.id in new) for row in rows]


def place(seat: Seat, assignment: Assignment) -> Place:
    with services().database.read() as session:
        (found,) = _places(session, seat, [assignment])
    return found


def history(assignment: Assignment, user_id: int) -> Sequence[Submission]:
    """A student's submissions for the assignment, the newest first."""
    with services().database.ask() as session:
        return session.scalars(_HISTORY, {"assignment": assignment.id, "user": user_id}).all()


def team(seat: Seat, assignment: Assignment) -> tuple[Team, Sequence[User]] | None:
    """One's own, with all who are in it; None for who is in none."""
    if assignment.team_size == 1:
        return None
    with services().database.read() as session:
        found = teams.team_of(session, assignment, seat.user.id)
        return None if found is None else (found, teams.members(session, found))


def comments(seat: Seat, submission: Submission) -> Sequence[Comment]:
    """What was written to the student, once they may see it, not what the staff wrote among
    themselves."""
    if not access.shown(seat, submission.assignment).comments:
        return []
    with services().database.ask() as session:
        return session.scalars(_COMMENTS, {"submission": submission.id}).all()


def questions(submission: Submission) -> Sequence[Question]:
    with services().database.read() as session:
        return asked.of(session, submission)


def total(seat: Seat, places: Sequence[Place]) -> Result | None:
    """What one's points add up to, of what may be seen from this seat; None for who is no student
    of the course.

    Args:
        places: at all of the course's assignments.
    """
    if seat.enrolment is None or seat.enrolment.role is not Role.STUDENT:
        return None
    now, zone = services().clock(), ZoneInfo(seat.course.timezone)
    entries = [
        Entry(
            place.assignment,
            None if place.grade is None else place.grade.points,
            not deadlines(place.assignment, place.extension, zone).takes(now),
            place.shown.scores,
        )
        for place in places
        if not place.assignment.hidden
    ]
    with services().database.read() as session:
        groups = GradeGroup.of(session, seat.course)
    return Result(totals.total(seat.course, groups, entries), words(seat.course, groups))


def hidden(seat: Seat, assignment: Assignment) -> list[str]:
    """What is not shown from this seat yet, in sentences."""
    if seat.is_staff:
        return []
    return release.sentences(assignment, services().clock(), ZoneInfo(seat.course.timezone))


def standing(
    seat: Seat, assignment: Assignment, user_id: int
) -> tuple[Grade | None, Sequence[Adjustment]]:
    """A student's grade with the submission that counts, and what was given or taken by hand; as if
    there were none while scores are hidden."""
    if not access.shown(seat, assignment).scores:
        return None, []
    wanted = {"assignment": assignment.id, "user": user_id}
    with services().database.read() as session:
        return session.scalar(_GRADE, wanted), session.scalars(_ADJUSTMENTS, wanted).all()


def _places(session: Session, seat: Seat, assignments: Sequence[Assignment]) -> list[Place]:
    wanted = {"user": seat.user.id, "assignments": [assignment.id for assignment in assignments]}
    grades: dict[int, Grade] = {}
    extensions: dict[int, Extension] = {}
    sittings: dict[int, Sitting] = {}
    for id_, grade, extension, sitting in session.execute(_OWN, wanted):
        if grade is not None:
            grades[id_] = grade
        if extension is not None:
            extensions[id_] = extension
        if sitting is not None:
            sittings[id_] = sitting
    for one in assignments:
        if one.team_size > 1 and (found := teams.extension(session, one, seat.user.id)):
            extensions[one.id] = found
    counted: defaultdict[int, list[datetime]] = defaultdict(list)
    for assignment_id, received_at in session.execute(_COUNTED, wanted):
        counted[assignment_id].append(received_at)
    unread: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for assignment_id, submission, count in session.execute(_UNREAD, wanted):
        unread[assignment_id][submission] += count
    now = services().clock()
    free = free_days.account(session, seat.course, seat.user.id, now, for_student=not seat.is_staff)

    def place(assignment: Assignment) -> Place:
        extension = extensions.get(assignment.id)
        may = allowance(
            assignment,
            seat.course.timezone,
            extension,
            counted[assignment.id],
            now,
            sittings.get(assignment.id),
        )
        shown, grade = access.shown(seat, assignment), grades.get(assignment.id)
        return Place(
            assignment,
            shown,
            grade if shown.scores else None,
            grade is not None,
            extension,
            may,
            may.deadlines.phase(now),
            unread[assignment.id] if shown.comments else {},
            seat.is_staff or not may.must_start,
            free,
        )

    return [place(assignment) for assignment in assignments]
