"""Public cases that a student has run without handing in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime
from server.storage.models.course import Assignment
from server.storage.models.work import Work


class SelfCheck(Work):
    """Of a student's for an assignment the last one. It counts nowhere and is soon forgotten; its
    `report` is what `server.engine.Grade` gives where only public cases are run."""

    __tablename__ = "self_checks"
    __table_args__ = (
        UniqueConstraint("assignment_id", "user_id"),
        Index(None, "state", "id"),
        Index(None, "user_id"),
        Index(None, "received_at"),
    )

    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    filename: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the content
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)

    assignment: Mapped[Assignment] = relationship()


class SelfCheckContent(Base):
    """What is to be checked; gone once that is done."""

    __tablename__ = "self_check_contents"

    self_check_id: Mapped[int] = mapped_column(ForeignKey("self_checks.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
