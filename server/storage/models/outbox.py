"""What the server sends by itself: a row says what is to be told to whom, never what it says."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime, one_of
from server.storage.models.people import User


class Kind(StrEnum):
    """What there is to tell."""

    INVITATION = "invitation"
    RESET = "password reset"
    COMMENT = "comment"
    ANSWER = "answer"  # to a question
    ANNOUNCEMENT = "announcement"
    FAULT_OVER = "fault is over"
    DUE = "due tomorrow"
    NO_GRADER = "no grader"
    GRADE = "grade"  # to the course system that the student comes from


class Delivery(StrEnum):
    HELD = "held"  # until something happens that makes it true
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"  # for good, or nobody knows whether it arrived


class Outgoing(Base):
    """Only `server.outbox` writes these."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "state", "not_before"),
        Index(None, "user_id", "kind", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)  # the same is never told twice
    kind: Mapped[Kind] = mapped_column(one_of(Kind))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))  # to whom, or whose grade
    about: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[Delivery] = mapped_column(one_of(Delivery))
    version: Mapped[int] = mapped_column(default=0)  # rises when there is something newer to tell
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_fault: Mapped[str | None] = mapped_column(String(500))

    user: Mapped[User] = relationship()


class MailSwitch(Base):
    """A kind of mail that somebody does not want."""

    __tablename__ = "mail_switches"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    kind: Mapped[Kind] = mapped_column(one_of(Kind), primary_key=True)
