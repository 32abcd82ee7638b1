"""What was accepted, claimed and graded: graders end, and their counts must not end with them."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from server.storage import sums
from server.storage.models import Meter

SECONDS_UP_TO = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)  # the histogram's buckets
_ACCEPTED, _CLAIMED, _ENDED = "accepted", "claimed", "ended"
_SECONDS, _SUM = "grading_seconds", "sum"


class Ending(StrEnum):
    """How a claim ended."""

    GRADED = "graded"
    FAULT = "fault"  # of ours; it is tried again
    FAILED = "failed"  # a fault too many; it is not tried again
    GIVEN_BACK = "given back"  # the grader was told to stop


def accepted(session: Session) -> None:
    sums.add(session, (_ACCEPTED, "", 1))


def claimed(session: Session) -> None:
    sums.add(session, (_CLAIMED, "", 1))


def ended(session: Session, how: Ending) -> None:
    sums.add(session, (_ENDED, how.value, 1))


def graded(session: Session, seconds: float) -> None:
    bucket = next((f"{limit:g}" for limit in SECONDS_UP_TO if seconds <= limit), "+Inf")
    sums.add(
        session,
        (_ENDED, Ending.GRADED.value, 1),
        (_SECONDS, bucket, 1),
        (_SECONDS, _SUM, seconds),
    )


def claims() -> ScalarSelect[float]:
    """How many claims there were, as part of another query; nothing before the first."""
    return select(Meter.value).where(Meter.name == _CLAIMED, Meter.label == "").scalar_subquery()


class Readings:
    """All sums, as they stood at one moment."""

    def __init__(self, session: Session) -> None:
        self._values = {(row.name, row.label): row.value for row in session.scalars(select(Meter))}

    @property
    def accepted(self) -> float:
        return self._of(_ACCEPTED, "")

    def ended(self, how: Ending) -> float:
        return self._of(_ENDED, how.value)

    @property
    def seconds(self) -> float:
        return self._of(_SECONDS, _SUM)

    def buckets(self) -> list[tuple[str, float]]:
        """How many gradings took at most so long, as Prometheus counts: each holds those before."""
        labels = [*(f"{limit:g}" for limit in SECONDS_UP_TO), "+Inf"]
        counts = [self._of(_SECONDS, label) for label in labels]
        return [(label, sum(counts[: place + 1])) for place, label in enumerate(labels)]

    def _of(self, name: str, label: str) -> float:
        return self._values.get((name, label), 0.0)
