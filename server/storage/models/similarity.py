"""Searches for submissions of an assignment that are alike, and what they found."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime, one_of
from server.storage.models.course import Assignment
from server.storage.models.people import User
from server.storage.models.submission import Submission


class SearchState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Search(Base):
    """One comparison of everybody's submissions for an assignment with each other."""

    __tablename__ = "searches"
    __table_args__ = (Index(None, "assignment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    state: Mapped[SearchState] = mapped_column(one_of(SearchState))
    started_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    alive_at: Mapped[datetime] = mapped_column(UTCDateTime)  # its process's last sign of life
    done: Mapped[int] = mapped_column(default=0)  # submissions compared with all before them
    total: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)  # submissions that could not be read
    # Whether those of earlier courses with the same topic are compared, too.
    earlier: Mapped[bool] = mapped_column(default=False, server_default=false())

    assignment: Mapped[Assignment] = relationship()
    started_by: Mapped[User] = relationship()


class SimilarPair(Base):
    """Two students' submissions, and where they are alike (ranges of `similarity.text`)."""

    __tablename__ = "similar_pairs"
    __table_args__ = (Index(None, "search_id", "score"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    search_id: Mapped[int] = mapped_column(ForeignKey("searches.id"))
    first_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    second_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    score: Mapped[float]  # the mean of the two shares
    first_share: Mapped[float]  # of the first's own code that is in the second
    second_share: Mapped[float]
    first_ranges: Mapped[list[list[int]]] = mapped_column(JSON, deferred=True)  # [begin, end]
    second_ranges: Mapped[list[list[int]]] = mapped_column(JSON, deferred=True)
    # Which range of the first is which of the second: pairs of their places. None: not known.
    links: Mapped[list[list[int]] | None] = mapped_column(JSON(none_as_null=True), deferred=True)

    search: Mapped[Search] = relationship()
    first: Mapped[Submission] = relationship(foreign_keys=first_id)
    second: Mapped[Submission] = relationship(foreign_keys=second_id)


class Judgement(StrEnum):
    SEEN = "seen"
    DISMISSED = "dismissed"
    CONFIRMED = "confirmed"


class PairJudgement(Base):
    """What somebody made of two submissions that are alike, whichever search found them."""

    __tablename__ = "pair_judgements"
    __table_args__ = (CheckConstraint("first_id < second_id", name="in_order"),)

    first_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    second_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    judgement: Mapped[Judgement] = mapped_column(one_of(Judgement))
    judged_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    judged_at: Mapped[datetime] = mapped_column(UTCDateTime)

    judged_by: Mapped[User] = relationship()
