"""One hand-in: what came, when, how far it is, and its report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Enum, Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, UTCDateTime


class State(StrEnum):
    WAITING = "waiting"
    GRADING = "grading"
    GRADED = "graded"
    FAILED = "failed"  # through a fault of ours, more often than is tried again

    @property
    def final(self) -> bool:
        return self in (State.GRADED, State.FAILED)


def _values(states: type[State]) -> list[str]:
    return [state.value for state in states]


class Submission(Base):
    __tablename__ = "submissions"
    __table_args__ = (Index(None, "state", "id"), Index(None, "owner", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)  # also the order of arrival
    public_id: Mapped[str] = mapped_column(String(32), unique=True)  # unguessable: opens the page
    owner: Mapped[str | None] = mapped_column(String(64))  # None: a sample, listed for everyone
    assignment: Mapped[str] = mapped_column(String(200))
    filename: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the content
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)

    state: Mapped[State] = mapped_column(
        Enum(State, native_enum=False, length=16, values_callable=_values)
    )
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)  # a retry waits until then
    lease: Mapped[int] = mapped_column(default=0)  # counts the claims: the latest one's token
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    faults: Mapped[int] = mapped_column(default=0)  # of ours
    last_fault: Mapped[str | None]  # for the staff

    exercise: Mapped[str | None] = mapped_column(String(200))  # being graded now
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)

    graded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    score: Mapped[float | None] = mapped_column(Float)
    max_score: Mapped[float | None] = mapped_column(Float)
    # Large and seldom read: last in the row, and loaded only where it is asked for.
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
