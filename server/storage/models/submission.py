"""One hand-in: what came, when, how far it is, its report, and what is quickly read of that."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime
from server.storage.models.course import Assignment
from server.storage.models.people import User
from server.storage.models.work import Work


class Submission(Work):
    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("assignment_id", "user_id", "number"),
        Index(None, "state", "turn", "place"),
        Index(None, "turn"),
        Index(None, "user_id", "turn"),
        Index(None, "assignment_id", "received_at", "id"),
        Index(None, "assignment_id", "state", "received_at"),
        Index(None, "assignment_id", "reference"),
        Index(None, "graded_at"),
        Index(None, "team_id"),
    )

    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))  # who handed it in
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))  # whose it is then
    number: Mapped[int]  # the student's, or the team's, first, second, ... for the assignment
    filename: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the content
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)

    # Where it stands in the queue: students in turn, and by arrival within a turn.
    turn: Mapped[int]
    place: Mapped[int]

    assignment: Mapped[Assignment] = relationship()
    user: Mapped[User] = relationship()


class Content(Base):
    """What was handed in: written in the transaction of its submission, and gone with it."""

    __tablename__ = "contents"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ExerciseScore(Base):
    """An exercise's score in a submission's report."""

    __tablename__ = "exercise_scores"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    exercise: Mapped[str] = mapped_column(String(200))
    score: Mapped[float]
    max_score: Mapped[float]


class Pace(Base):
    """How quick a submission's right answers are in a check of speed: within so many times the
    reference's own time, in coarse steps."""

    __tablename__ = "paces"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    exercise: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    within: Mapped[float]


class LostCheck(Base):
    """A check that did not give all of its points in a submission's report."""

    __tablename__ = "lost_checks"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    exercise: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    lost: Mapped[float]  # of `max_score`
    max_score: Mapped[float]
    alone: Mapped[str | None] = mapped_column(String(200))  # the one case that failed, if one did


class MisconceptionFound(Base):
    """A misconception that a submission's report names, with what is asked of it for a whole class,
    so that no submission is read for that."""

    __tablename__ = "misconceptions_found"
    __table_args__ = (
        Index(None, "exercise", "name"),
        Index(
            "ix_misconceptions_found_of_class",
            *("assignment_id", "exercise", "name", "user_id", "received_at", "submission_id"),
        ),
    )

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    exercise: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    hint: Mapped[str]
    # The submission's.
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
