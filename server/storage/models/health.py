"""What the server knows of its own working: who grades, what has been counted, its own secrets."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.models.base import Base, UTCDateTime


class GraderProcess(Base):
    """A grader that runs, on whatever machine; only `server.grading.presence` writes it."""

    __tablename__ = "graders"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))  # host:pid
    device: Mapped[str] = mapped_column(String(64), default="cpu", server_default="cpu")  # "cuda:0"
    kind: Mapped[str] = mapped_column(String(16), default="cpu", server_default="cpu")  # of it
    fault: Mapped[str | None]  # of the device: it is set aside, and nothing is graded on it
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Exercises(Base):
    """By which reference a topic is graded; `server.grading.exercises` writes it."""

    __tablename__ = "exercises"

    topic: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))


class Hit(Base):
    """A request that counts against a limit; `server.web.limits` writes it."""

    __tablename__ = "hits"
    __table_args__ = (Index(None, "key", "at"), Index(None, "expires_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Meter(Base):
    """A sum that only grows, over all processes and restarts; `server.grading.meters` writes it."""

    __tablename__ = "meters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float] = mapped_column(default=0.0)


class Figures(Base):
    """What was worked out of an assignment or a course, and what stood then: it holds while that
    stands. `server.web.kept` writes it."""

    __tablename__ = "figures"

    what: Mapped[str] = mapped_column(String(64), primary_key=True)
    of: Mapped[int] = mapped_column(primary_key=True)  # the assignment's or course's id
    stands: Mapped[str]
    found: Mapped[Any] = mapped_column(JSON)


class Key(Base):
    """A secret of the server's own, the same for all its processes wherever they run."""

    __tablename__ = "keys"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)

    @classmethod
    def new(cls, name: str) -> Key:
        return cls(name=name, value=secrets.token_bytes(32))
