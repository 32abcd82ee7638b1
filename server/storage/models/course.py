"""A course, who is in it, its assignments with their policies, and what single students are
granted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime, one_of
from server.storage.models.people import User

# From when on something is shown that only a button shows.
WHEN_PUBLISHED = datetime(9999, 12, 31, tzinfo=UTC)


class Role(StrEnum):
    """What somebody is in a course, each allowed all that the one before is."""

    STUDENT = "student"
    ASSISTANT = "assistant"
    INSTRUCTOR = "instructor"

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def covers(self, least: Role) -> bool:
        return self.rank >= least.rank


class Counts(StrEnum):
    """Which of a student's submissions is their grade."""

    BEST = "best"
    LAST = "last"
    LAST_BEFORE_DUE = "last-before-due"


class SourcePolicy(StrEnum):
    """What a forbidden call found in the source costs its exercise."""

    NOTHING = "nothing"
    WARNING = "warning"
    ZERO = "zero"


class Rounding(StrEnum):
    """How a total is brought to a multiple of the course's step."""

    HALF_UP = "half-up"
    UP = "up"
    DOWN = "down"


class TeamsBy(StrEnum):
    """Who puts the teams of an assignment together."""

    STUDENTS = "students"
    STAFF = "staff"


class FreeDays(StrEnum):
    """How a student's free days come to be used."""

    AUTOMATICALLY = "automatically"
    AS_CHOSEN = "as-chosen"


class Course(Base):
    __tablename__ = "courses"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64))
    notice: Mapped[str] = mapped_column(String(200), default="", server_default="")  # on every page
    # What the hidden cases are drawn from: made once, never shown, loaded for graders only.
    secret: Mapped[bytes] = mapped_column(LargeBinary(32), deferred=True, deferred_raiseload=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Counts the rounds in which courses take turns: that in which it was last graded.
    turn: Mapped[int] = mapped_column(default=0, server_default="0")
    text: Mapped[str] = mapped_column(default="", server_default="")  # Markdown, for students
    round_to: Mapped[float | None]  # the step of totals; None: as they are
    rounding: Mapped[Rounding] = mapped_column(
        one_of(Rounding), default=Rounding.HALF_UP, server_default="half-up"
    )
    # So many days each student may be late over the term and lose nothing.
    free_days: Mapped[int] = mapped_column(default=0, server_default="0")
    free_days_used: Mapped[FreeDays] = mapped_column(
        one_of(FreeDays), default=FreeDays.AUTOMATICALLY, server_default="automatically"
    )
    # Counts the changes: who changes something says which they have seen.
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    assignments: Mapped[list[Assignment]] = relationship(
        back_populates="course", order_by="Assignment.position"
    )
    enrolments: Mapped[list[Enrolment]] = relationship(back_populates="course")


class GradeGroup(Base):
    """Assignments of a course that have a weight in the total together."""

    __tablename__ = "grade_groups"
    __table_args__ = (UniqueConstraint("course_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    slug: Mapped[str] = mapped_column(String(64))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    weight: Mapped[float]
    drop_lowest: Mapped[int] = mapped_column(default=0)

    @classmethod
    def of(cls, session: Session, course: Course) -> Sequence[GradeGroup]:
        """A course's groups, in their order."""
        query = select(cls).where(cls.course_id == course.id).order_by(cls.position)
        return session.scalars(query).all()


class Assignment(Base):
    __tablename__ = "assignments"
    __table_args__ = (
        UniqueConstraint("course_id", "slug"),
        CheckConstraint("late_until IS NULL OR late_until >= due_at", name="late_after_due"),
        CheckConstraint("opens_at < due_at", name="opens_before_due"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    slug: Mapped[str] = mapped_column(String(64))
    position: Mapped[int]
    topic: Mapped[str] = mapped_column(String(200))  # the catalogue's name for what is graded
    title: Mapped[str] = mapped_column(String(200))
    points: Mapped[float]  # what a perfect submission is worth, parts marked by hand included

    opens_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    late_until: Mapped[datetime | None] = mapped_column(UTCDateTime)  # None: due is the end
    late_penalty: Mapped[float] = mapped_column(default=0.0)  # percent per day that has begun

    attempts: Mapped[int | None]  # in all
    attempts_per_day: Mapped[int | None]  # by the course's calendar
    cool_down_minutes: Mapped[int] = mapped_column(default=0)
    counts: Mapped[Counts] = mapped_column(one_of(Counts))
    team_size: Mapped[int] = mapped_column(default=1, server_default="1")  # 1: everybody alone
    teams_by: Mapped[TeamsBy] = mapped_column(
        one_of(TeamsBy), default=TeamsBy.STUDENTS, server_default="students"
    )
    source_policy: Mapped[SourcePolicy] = mapped_column(one_of(SourcePolicy))
    device: Mapped[str] = mapped_column(String(16), default="cpu", server_default="cpu")

    # From when on students see what grading found; None: at once. `server.grades.release` decides.
    hints_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    scores_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    comments_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # When staff published it, whatever the date says.
    hints_published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    scores_published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    comments_published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # How long each student has from pressing Start on; None: until the assignment ends.
    window_minutes: Mapped[int | None]
    # Of parts marked by hand: what they are worth together, and how they are marked.
    hand_points: Mapped[float] = mapped_column(default=0.0, server_default="0")
    anonymous_marking: Mapped[bool] = mapped_column(default=False, server_default=false())
    double_marking: Mapped[bool] = mapped_column(default=False, server_default=false())
    settle_beyond: Mapped[float] = mapped_column(default=0.0, server_default="0")  # points apart

    text: Mapped[str] = mapped_column(default="", server_default="")  # Markdown, for students
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())  # from students
    # What it is in the total: `server.grades.totals` decides.
    group_id: Mapped[int | None] = mapped_column(ForeignKey("grade_groups.id"))
    weight: Mapped[float | None]  # within its group; None: its points
    bonus: Mapped[bool] = mapped_column(default=False, server_default=false())
    version: Mapped[int] = mapped_column(default=1, server_default="1")  # counts the changes

    course: Mapped[Course] = relationship(back_populates="assignments")

    @property
    def automatic_points(self) -> float:
        """What the report of a perfect submission is worth."""
        return round(self.points - (self.hand_points or 0.0), 6)

    @classmethod
    def of(cls, session: Session, course: Course) -> Sequence[Assignment]:
        """A course's assignments, in their order."""
        query = select(cls).where(cls.course_id == course.id).order_by(cls.position)
        return session.scalars(query).all()


class Enrolment(Base):
    """A user's place in a course."""

    __tablename__ = "enrolments"
    __table_args__ = (Index(None, "user_id"), Index(None, "course_id", "role"))

    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(one_of(Role))
    # As the roster writes it: other systems tell capital letters apart.
    address: Mapped[str] = mapped_column(String(254), default="")
    section: Mapped[str] = mapped_column(String(100), default="")
    canvas_id: Mapped[str] = mapped_column(String(100), default="")
    moodle_id: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Who has left sees the course no more and is counted nowhere; all that is theirs stays.
    left_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Whether the others may see by name how quick theirs is.
    shows_name: Mapped[bool] = mapped_column(default=False, server_default=false())

    course: Mapped[Course] = relationship(back_populates="enrolments")
    user: Mapped[User] = relationship()

    @hybrid_property
    def here(self) -> bool:
        """Whether they are in the course now."""
        return self.left_at is None

    @here.inplace.expression
    @classmethod
    def _here(cls) -> ColumnElement[bool]:
        return cls.left_at.is_(None)


class Extension(Base):
    """More time or attempts for one student on one assignment."""

    __tablename__ = "extensions"
    __table_args__ = (UniqueConstraint("assignment_id", "user_id"), Index(None, "user_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # None: as for everyone
    late_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    extra_attempts: Mapped[int] = mapped_column(default=0)  # in all and per day
    extra_minutes: Mapped[int] = mapped_column(default=0, server_default="0")  # of the window
    reason: Mapped[str] = mapped_column(String(1000))
    granted_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)

    assignment: Mapped[Assignment] = relationship()
    user: Mapped[User] = relationship(foreign_keys=user_id)
    granted_by: Mapped[User] = relationship(foreign_keys=granted_by_id)


class FreeDaysChosen(Base):
    """How many free days a student wants to use for an assignment, at most."""

    __tablename__ = "free_days_chosen"
    __table_args__ = (Index(None, "user_id"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    days: Mapped[int]
    chosen_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Sitting(Base):
    """That a student has pressed Start, where each has a window of their own."""

    __tablename__ = "sittings"
    __table_args__ = (Index(None, "user_id"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
