"""The list of submissions that somebody looks through: what is searched for travels in the address,
so that the desk knows which comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_, union_all
from sqlalchemy.orm import Session

from server.language import N_, _
from server.storage.models import (
    Assignment,
    Enrolment,
    Grade,
    LookedAt,
    MisconceptionFound,
    Question,
    QuestionState,
    Role,
    State,
    Submission,
    User,
)
from server.web.access import Seat
from server.web.instructor.blueprint import number, people_named
from server.web.instructor.glance import enrolled

ROWS = 50
_MOST_COUNTED = 1000
_ITS_GRADE = and_(
    Grade.assignment_id == Submission.assignment_id, Grade.user_id == Submission.user_id
)
_when = tuple_(Submission.received_at, Submission.id)
WHICH = {
    "counting": N_("those that count"),
    "to-do": N_("that count, nobody is done with"),
    "asked": N_("with an open question"),
}


@dataclass(frozen=True)
class Wanted:
    """What is searched for; "" and None ask for nothing."""

    assignment: Assignment | None
    exercise: str
    misconception: str
    state: State | None
    search: str
    which: str  # of `WHICH`
    section: str
    mine: bool  # of the section that whoever asks is in
    before: int  # only older ones than this id; 0: from the newest on

    @classmethod
    def from_request(cls, assignments: Sequence[Assignment]) -> Wanted:
        slugs = {assignment.slug: assignment for assignment in assignments}
        state, which = request.args.get("state", ""), request.args.get("which", "")
        return cls(
            slugs.get(request.args.get("assignment", "")),
            request.args.get("exercise", "")[:200],
            request.args.get("misconception", "")[:200],
            State(state) if state in list(State) else None,
            request.args.get("search", "").strip()[:100],
            which if which in WHICH else "",
            request.args.get("section", "")[:100],
            request.args.get("mine") == "yes",
            number("before"),
        )

    @property
    def query(self) -> dict[str, Any]:
        """As an address says it: texts."""
        said = {
            "assignment": self.assignment.slug if self.assignment else "",
            "exercise": self.exercise,
            "misconception": self.misconception,
            "state": self.state.value if self.state else "",
            "search": self.search,
            "which": self.which,
            "section": self.section,
            "mine": "yes" if self.mine else "",
        }
        return {name: value for name, value in said.items() if value}

    @property
    def words(self) -> str:
        """What the list is of."""
        said = [
            self.assignment.title if self.assignment else "",
            _("with %(misconception)s", misconception=self.misconception)
            if self.misconception
            else "",
            _(self.state.value) if self.state else "",
            _(WHICH[self.which]) if self.which else "",
            _("of section %(section)s", section=self.section) if self.section else "",
            _("of my section") if self.mine else "",
            _("found by %(search)s", search=self.search) if self.search else "",
        ]
        return ", ".join(part for part in said if part) or _("all submissions")


@dataclass(frozen=True)
class Neighbours:
    """Where a submission stands in a list."""

    later: str | None  # the next one's public id: the list has the newest first
    earlier: str | None
    number: int  # from 1 on
    count: int
    more: bool  # than were counted


def sections(session: Session, seat: Seat) -> Sequence[str]:
    query = select(Enrolment.section).where(
        Enrolment.course_id == seat.course.id, Enrolment.role == Role.STUDENT, Enrolment.here
    )
    return [one for one in session.scalars(query.distinct().order_by(Enrolment.section)) if one]


def found(
    session: Session, seat: Seat, assignments: Sequence[Assignment], wanted: Wanted
) -> Sequence[tuple[Submission, User, Assignment, int | None]]:
    """With the id of the one that counts; one more than a page, where there are more.

    The newest of each assignment are found by an index that has them in order, and then merged:
    asked for all at once, a database would sort everything that was ever handed in.
    """
    chosen = [wanted.assignment] if wanted.assignment else assignments
    newest = union_all(
        *(select(_newest(seat, a, wanted, ROWS + 1).subquery()) for a in chosen)
    ).subquery()
    query = (
        select(Submission, User, Assignment, Grade.submission_id)
        .join(newest, newest.c.id == Submission.id)
        .join(User, User.id == Submission.user_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .outerjoin(Grade, _ITS_GRADE)
        .order_by(newest.c.received_at.desc(), newest.c.id.desc())
        .limit(ROWS + 1)
    )
    return session.execute(query).all()


def neighbours(
    session: Session,
    seat: Seat,
    assignments: Sequence[Assignment],
    wanted: Wanted,
    here: Submission,
) -> Neighbours:
    """Where it stands, or would stand: it may have left the list by what was just done to it."""
    chosen = [wanted.assignment] if wanted.assignment else assignments
    place = (here.received_at, here.id)

    def nearest(condition: ColumnElement[bool], *, newer: bool) -> str | None:
        ids = union_all(
            *(
                select(_listed(seat, a, wanted, newer=newer).where(condition).limit(1).subquery())
                for a in chosen
            )
        ).subquery()
        order = (ids.c.received_at, ids.c.id)
        query = select(Submission.public_id).join(ids, ids.c.id == Submission.id)
        query = query.order_by(*(order if newer else (c.desc() for c in order))).limit(1)
        return session.scalar(query)

    def counted(*conditions: ColumnElement[bool]) -> int:
        total = 0
        for assignment in chosen:
            some = _listed(seat, assignment, wanted).where(*conditions).limit(_MOST_COUNTED + 1)
            total += session.scalar(select(func.count()).select_from(some.subquery())) or 0
        return total

    count, newer = counted(), counted(place < _when)
    return Neighbours(
        nearest(_when < place, newer=False),
        nearest(place < _when, newer=True),
        newer + 1,
        max(min(count, _MOST_COUNTED), newer + 1 if newer < count else count),
        count > _MOST_COUNTED,
    )


def counting(seat: Seat, assignment: Assignment, wanted: Wanted) -> Select[Submission]:
    """The submissions that count and have the misconception, of those who are in the course."""
    return (
        select(Submission)
        .join(Grade, _ITS_GRADE)
        .join(Enrolment, enrolled(seat.course, Submission.user_id))
        .where(
            Submission.assignment_id == assignment.id,
            Grade.submission_id == Submission.id,
            Submission.id.in_(_having(wanted, assignment)),
        )
        .order_by(Submission.id)
    )


def hint(session: Session, wanted: Wanted) -> str | None:
    """What the misconception that is searched for says."""
    if not wanted.misconception:
        return None
    query = select(MisconceptionFound.hint).where(
        MisconceptionFound.submission_id.in_(_having(wanted)),
        MisconceptionFound.name == wanted.misconception,
    )
    return session.scalar(query.limit(1))


def _newest(
    seat: Seat, assignment: Assignment, wanted: Wanted, limit: int
) -> Select[int, datetime]:
    query = _listed(seat, assignment, wanted).limit(limit)
    if wanted.before:
        received_at = select(Submission.received_at).where(Submission.id == wanted.before)
        query = query.where(_when < tuple_(received_at.scalar_subquery(), wanted.before))
    return query


def _listed(
    seat: Seat, assignment: Assignment, wanted: Wanted, *, newer: bool = False
) -> Select[int, datetime]:
    """All of an assignment that are searched for, the newest first, or the oldest."""
    order = (Submission.received_at, Submission.id)
    query = (
        select(Submission.id, Submission.received_at)
        .where(Submission.assignment_id == assignment.id)
        .order_by(*(order if newer else (column.desc() for column in order)))
    )
    if wanted.state:
        query = query.where(Submission.state == wanted.state)
    if wanted.which in ("counting", "to-do"):
        query = query.join(Grade, _ITS_GRADE).where(Grade.submission_id == Submission.id)
    if wanted.which == "asked":
        asked = select(Question.submission_id).where(Question.state == QuestionState.OPEN)
        query = query.where(Submission.id.in_(asked))
    if wanted.which == "to-do":
        query = query.where(Submission.id.not_in(select(LookedAt.submission_id)))
    if wanted.search:
        named = select(User.id).where(people_named(wanted.search))
        query = query.where(Submission.user_id.in_(named))
    if wanted.misconception:
        query = query.where(Submission.id.in_(_having(wanted, assignment)))
    own = seat.enrolment.section if seat.enrolment else ""
    for section in (wanted.section, own if wanted.mine else ""):
        if section:
            members = select(Enrolment.user_id).where(
                Enrolment.course_id == seat.course.id, Enrolment.section == section
            )
            query = query.where(Submission.user_id.in_(members))
    return query


def _having(wanted: Wanted, assignment: Assignment | None = None) -> Select[int]:
    query = select(MisconceptionFound.submission_id).where(
        MisconceptionFound.name == wanted.misconception
    )
    if assignment is not None:
        query = query.where(MisconceptionFound.assignment_id == assignment.id)
    if wanted.exercise:
        query = query.where(MisconceptionFound.exercise == wanted.exercise)
    return query
