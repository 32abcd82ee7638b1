"""What was handed in, byte for byte: a row beside the submission's, written with it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from server.storage.database import Database
from server.storage.models import Content, SelfCheckContent, Submission


class FileGone(OSError):
    """What was stored cannot be read: a fault of ours, to be mended from a backup."""


class Files:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, public_id: str) -> bytes:
        """
        Raises:
            FileGone: it is not there.
        """
        with self._database.ask() as session:
            found = session.scalar(
                select(Content.content)
                .join(Submission, Submission.id == Content.submission_id)
                .where(Submission.public_id == public_id)
            )
        if found is None:
            raise FileGone(f"the content of submission {public_id} is missing")
        return found

    def to_check(self, self_check: int) -> bytes:
        """What is only to be checked.

        Raises:
            FileGone: it is not there, or no longer.
        """
        with self._database.ask() as session:
            found = session.get(SelfCheckContent, self_check)
        if found is None:
            raise FileGone(f"the content of self-check {self_check} is missing")
        return found.content


def kept(session: Session, assignment: int, whose: ColumnElement[bool]) -> int:
    """Bytes of all that somebody has handed in for the assignment.

    Args:
        whose: the condition by which a submission is theirs.
    """
    total = session.scalar(
        select(func.sum(func.length(Content.content)))
        .join(Submission, Submission.id == Content.submission_id)
        .where(Submission.assignment_id == assignment, whose)
    )
    return int(total or 0)
