"""What the student's pages read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import undefer

from server.database import Database
from server.models import Submission


def find(database: Database, public_id: str, *, report: bool = False) -> Submission | None:
    """The submission at this address, with its report if asked for."""
    query = select(Submission).where(Submission.public_id == public_id)
    if report:
        query = query.options(undefer(Submission.report))
    with database.read() as session:
        return session.scalar(query)


def latest(database: Database, owner: str | None, limit: int = 20) -> Sequence[Submission]:
    """The owner's submissions, the newest first; of None: the samples."""
    query = (
        select(Submission)
        .where(Submission.owner == owner)
        .order_by(Submission.id.desc())
        .limit(limit)
    )
    with database.read() as session:
        return session.scalars(query).all()
