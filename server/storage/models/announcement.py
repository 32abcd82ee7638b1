"""What staff tell a course, or a section of it, and who has seen it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime
from server.storage.models.people import User


class Announcement(Base):
    __tablename__ = "announcements"
    __table_args__ = (Index(None, "course_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    section: Mapped[str] = mapped_column(String(100), default="")  # "": everybody
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(20_000))  # Markdown with formulas
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    written_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    told: Mapped[int] = mapped_column(default=1)  # how often: a change may be told as well
    version: Mapped[int] = mapped_column(default=1)  # counts the changes

    author: Mapped[User] = relationship()


class AnnouncementSeen(Base):
    """That somebody has seen an announcement since it was last told."""

    __tablename__ = "announcements_seen"
    __table_args__ = (Index(None, "user_id"),)

    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcements.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
