"""Parts of an assignment that people mark: what is asked, what was answered, rubrics and marks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime, one_of
from server.storage.models.course import Assignment
from server.storage.models.people import User


class PartKind(StrEnum):
    """What is answered with."""

    TEXT = "text"  # Markdown with formulas, on the page or in a notebook's cell
    IMAGE = "image"  # a plot, a drawing, a photograph of a sheet


class Part(Base):
    """What an assignment asks beside its exercises. The assignment's points hold its points."""

    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("assignment_id", "slug"),
        CheckConstraint("points > 0", name="worth_something"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    slug: Mapped[str] = mapped_column(String(64))  # also nbgrader's name of the notebook's cell
    position: Mapped[int]
    kind: Mapped[PartKind] = mapped_column(one_of(PartKind))
    title: Mapped[str] = mapped_column(String(200))
    prompt: Mapped[str] = mapped_column(String(20_000))  # Markdown with formulas
    points: Mapped[float]
    # Whether marking begins with all points, so that items take some away.
    deducts: Mapped[bool] = mapped_column(default=False, server_default=false())

    assignment: Mapped[Assignment] = relationship()

    @classmethod
    def of(cls, session: Session, assignment: Assignment) -> list[Part]:
        """An assignment's parts, in their order."""
        query = select(cls).where(cls.assignment_id == assignment.id).order_by(cls.position)
        return list(session.scalars(query))


class Answer(Base):
    """What a student answered to a part: each change is a row of its own, so that marks stay with
    what they were given for."""

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("part_id", "user_id", "number"),
        Index(None, "assignment_id", "user_id"),
        Index(None, "user_id"),
        Index(None, "part_id", "counts", "public_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Random, and the order in which answers are marked: it tells nobody's name.
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))  # its notebook
    number: Mapped[int]  # the student's first, second, ... for the part
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of what was answered
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # As `server.grades.grades` last worked it out: of several, this one is the answer.
    counts: Mapped[bool] = mapped_column(default=False, server_default=false())
    text: Mapped[str] = mapped_column(String(20_000), default="", deferred=True, sort_order=100)

    part: Mapped[Part] = relationship()
    user: Mapped[User] = relationship()


class AnswerImage(Base):
    """An answer's image, as the reading process wrote it anew."""

    __tablename__ = "answer_images"
    __table_args__ = (Index(None, "user_id"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    media_type: Mapped[str] = mapped_column(String(32))
    width: Mapped[int]  # pixels
    height: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class RubricItem(Base):
    """A reason for points, given or taken. A change of it holds for all answers that have it."""

    __tablename__ = "rubric_items"
    __table_args__ = (Index(None, "part_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"))
    position: Mapped[int]
    text: Mapped[str] = mapped_column(String(500))
    points: Mapped[float]


class Mark(Base):
    """What one marker gave an answer."""

    __tablename__ = "marks"
    __table_args__ = (
        UniqueConstraint("answer_id", "round"),
        Index(None, "assignment_id", "user_id"),
        Index(None, "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))  # whose answer it is
    # 1 and 2: the first and the second marker; 0: what settles their difference.
    round: Mapped[int]
    marker_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    extra: Mapped[float] = mapped_column(default=0.0)  # points beside the items'
    comment: Mapped[str] = mapped_column(String(10_000), default="")
    points: Mapped[float]  # what all that makes, as `server.grades.by_hand` works it out
    version: Mapped[int] = mapped_column(default=1)  # counts the changes
    marked_at: Mapped[datetime] = mapped_column(UTCDateTime)

    answer: Mapped[Answer] = relationship()
    marker: Mapped[User] = relationship(foreign_keys=marker_id)


class MarkItem(Base):
    """That a mark has this item of the rubric."""

    __tablename__ = "mark_items"
    __table_args__ = (Index(None, "item_id"), Index(None, "user_id"))

    mark_id: Mapped[int] = mapped_column(ForeignKey("marks.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("rubric_items.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))  # whose answer it is
