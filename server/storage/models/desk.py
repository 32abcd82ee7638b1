"""What the marking desk keeps: words to be used again, who has looked at what, and what students
ask about a check."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime, one_of
from server.storage.models.people import User
from server.storage.models.submission import Submission


class SavedComment(Base):
    """What staff of a course write to whoever has a misconception."""

    __tablename__ = "saved_comments"
    __table_args__ = (Index(None, "course_id", "misconception"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    exercise: Mapped[str] = mapped_column(String(200))
    misconception: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(10_000))
    written_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    written_at: Mapped[datetime] = mapped_column(UTCDateTime)


class LookedAt(Base):
    """A submission that somebody of the staff is done with."""

    __tablename__ = "looked_at"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    looked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    looked_on: Mapped[datetime] = mapped_column(UTCDateTime)

    looked_by: Mapped[User] = relationship()


class QuestionState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"  # explained; the points stay
    ACCEPTED = "accepted"  # it is right: points or a regrade follow
    DECLINED = "declined"


class Question(Base):
    """What a student thinks of a check that lost marks, and the answer."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("submission_id", "exercise", "check_name"),
        Index(None, "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    exercise: Mapped[str] = mapped_column(String(200))
    check_name: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(2000))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[QuestionState] = mapped_column(one_of(QuestionState))
    answer: Mapped[str] = mapped_column(String(10_000), default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the answer, by the student

    submission: Mapped[Submission] = relationship()
    answered_by: Mapped[User | None] = relationship()
