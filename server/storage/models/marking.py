"""What staff do about grades, and the grades themselves."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime, one_of
from server.storage.models.course import Assignment
from server.storage.models.people import User
from server.storage.models.submission import Submission
from server.storage.models.work import Work


class Comment(Base):
    """What somebody wrote about a submission: to its student, or among staff."""

    __tablename__ = "comments"
    __table_args__ = (Index(None, "submission_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(String(10_000))
    for_staff: Mapped[bool] = mapped_column(default=False)
    written_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # At a line of a file or cell, as the pages call it; None: about all of it.
    place: Mapped[str | None] = mapped_column(String(200))
    line: Mapped[int | None]
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # by the student

    submission: Mapped[Submission] = relationship()
    author: Mapped[User] = relationship()


class Adjustment(Base):
    """Points given or taken by hand, for a student's assignment; all of them add up."""

    __tablename__ = "adjustments"
    __table_args__ = (Index(None, "assignment_id", "user_id"), Index(None, "user_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))  # the occasion
    points: Mapped[float]
    reason: Mapped[str] = mapped_column(String(1000))
    adjusted_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    adjusted_at: Mapped[datetime] = mapped_column(UTCDateTime)

    adjusted_by: Mapped[User] = relationship(foreign_keys=adjusted_by_id)


class Grade(Base):
    """A student's grade for an assignment, as `server.grades.grades` last worked it out.

    A row is there from the first submission, answer or adjustment on.
    """

    __tablename__ = "grades"
    __table_args__ = (Index(None, "user_id"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))  # that counts
    points: Mapped[float | None]  # None: nothing graded yet
    late_days: Mapped[int] = mapped_column(default=0)  # of the submission that counts
    free_days: Mapped[int] = mapped_column(default=0, server_default="0")  # that it uses
    adjustment: Mapped[float] = mapped_column(default=0.0)
    by_hand: Mapped[float | None]  # of the points, from parts marked by hand; None: none marked
    unmarked: Mapped[int] = mapped_column(default=0, server_default="0")  # answers not yet marked
    submissions: Mapped[int] = mapped_column(default=0)  # accepted ones, of whatever state
    last_received_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # How many were graded since the score last rose; 0 once there is nothing left to gain.
    without_gain: Mapped[int] = mapped_column(default=0)

    assignment: Mapped[Assignment] = relationship()
    user: Mapped[User] = relationship()
    submission: Mapped[Submission | None] = relationship()


class RegradeState(StrEnum):
    RUNNING = "running"  # or run: its items tell
    APPLIED = "applied"
    DISCARDED = "discarded"


class Regrade(Base):
    """Submissions that are graded anew, apart from their scores until somebody applies it."""

    __tablename__ = "regrades"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), index=True)
    reason: Mapped[str] = mapped_column(String(1000))
    state: Mapped[RegradeState] = mapped_column(one_of(RegradeState))
    started_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    assignment: Mapped[Assignment] = relationship()
    started_by: Mapped[User] = relationship(foreign_keys=started_by_id)
    items: Mapped[list[RegradeItem]] = relationship(back_populates="regrade")


class RegradeItem(Work):
    __tablename__ = "regrade_items"
    __table_args__ = (
        UniqueConstraint("regrade_id", "submission_id"),
        Index(None, "state", "id"),
        Index(None, "submission_id"),
    )

    regrade_id: Mapped[int] = mapped_column(ForeignKey("regrades.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    # What it found against what the submission has, as `server.grading.results` compares them.
    score_before: Mapped[float | None]
    max_score_before: Mapped[float | None]
    changed: Mapped[bool | None]
    exercises: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    # What applying it replaced in the submission, so that nothing is lost.
    replaced: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), deferred=True, sort_order=101
    )

    regrade: Mapped[Regrade] = relationship(back_populates="items")
    submission: Mapped[Submission] = relationship()
