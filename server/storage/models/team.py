"""Students who hand in together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.storage.models.base import Base, UTCDateTime
from server.storage.models.people import User


class Team(Base):
    """Of one assignment. What one of its members hands in is everybody's."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    code: Mapped[str] = mapped_column(String(16), unique=True)  # by which others join
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class TeamMember(Base):
    """A student is in one team of an assignment at most."""

    __tablename__ = "team_members"
    __table_args__ = (Index(None, "user_id"), Index(None, "team_id"))

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    joined_at: Mapped[datetime] = mapped_column(UTCDateTime)

    team: Mapped[Team] = relationship()
    user: Mapped[User] = relationship()
