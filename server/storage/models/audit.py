"""Who changed what, when: rows are added, and triggers keep every one as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime
from server.storage.models.people import User


class AuditEntry(Base):
    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "course_id", "id"),
        Index(None, "course_id", "action", "id"),
        Index(None, "subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # None: the server itself
    course_id: Mapped[int | None] = mapped_column(ForeignKey("courses.id"))
    action: Mapped[str] = mapped_column(String(64))  # of server.storage.audit.Action
    subject: Mapped[str] = mapped_column(String(200))  # "user:7", "submission:12"
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)

    actor: Mapped[User | None] = relationship()
