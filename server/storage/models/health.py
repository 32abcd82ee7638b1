"""What the server knows of its own working: who grades, and what has been counted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.models.base import Base, UTCDateTime


class GraderProcess(Base):
    """A grader that runs, on whatever machine; only `server.grading.presence` writes it."""

    __tablename__ = "graders"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))  # host:pid
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Meter(Base):
    """A sum that only grows, over all processes and restarts; `server.grading.meters` writes it."""

    __tablename__ = "meters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float] = mapped_column(default=0.0)
