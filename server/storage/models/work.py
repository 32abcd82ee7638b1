"""What a grader can claim: the columns that a submission and a regrade's item share."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.models.base import Base, UTCDateTime, one_of


class State(StrEnum):
    WAITING = "waiting"
    GRADING = "grading"
    GRADED = "graded"
    FAILED = "failed"  # through a fault of ours, more often than is tried again
    SUPERSEDED = "superseded"  # a newer one came while it waited, beside which it cannot count

    @property
    def final(self) -> bool:
        return self not in (State.WAITING, State.GRADING)


class Work(Base):
    """Only `server.grading.queue` writes these."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)  # also the order of arrival
    state: Mapped[State] = mapped_column(one_of(State))
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)  # a retry waits until then
    lease: Mapped[int] = mapped_column(default=0)  # counts the claims: the latest one's token
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    faults: Mapped[int] = mapped_column(default=0)  # of ours
    last_fault: Mapped[str | None]  # for the staff

    exercise: Mapped[str | None] = mapped_column(String(200))  # being graded now
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)

    graded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    score: Mapped[float | None]
    max_score: Mapped[float | None]
    reference: Mapped[str | None] = mapped_column(String(64))  # the digest of what it is graded by
    # Large and seldom read: last in the row, and loaded only where it is asked for.
    report: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), deferred=True, sort_order=100
    )
