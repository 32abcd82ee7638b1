"""Public cases that a student has run without handing in: they wait behind every hand-in, count
nowhere and are forgotten after a while."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session, joinedload, undefer

from server.clock import Clock
from server.grading.accepting import HandedIn
from server.storage.database import Database
from server.storage.models import (
    Assignment,
    SelfCheck,
    SelfCheckContent,
    State,
    Submission,
)

KEPT = timedelta(hours=12)


def ask(
    session: Session, assignment: int, user: int, read: HandedIn, content: bytes, *, at: datetime
) -> SelfCheck:
    """In place of the last one of the student's for this assignment."""
    mine = (SelfCheck.assignment_id == assignment) & (SelfCheck.user_id == user)
    forget(session, or_(mine, SelfCheck.received_at < at - KEPT))
    row = SelfCheck(
        public_id=secrets.token_hex(16),
        assignment_id=assignment,
        user_id=user,
        filename=read.filename,
        digest=read.digest,
        received_at=at,
        state=State.WAITING,
        not_before=at,
    )
    session.add(row)
    session.flush()
    session.add(SelfCheckContent(self_check_id=row.id, user_id=user, content=content))
    return row


def of(session: Session, public_id: str, user: int, now: datetime) -> SelfCheck | None:
    """The student's own with what came of it, while it is kept."""
    found = session.scalar(
        select(SelfCheck)
        .where(SelfCheck.public_id == public_id, SelfCheck.user_id == user)
        .options(undefer(SelfCheck.report), joinedload(SelfCheck.assignment))
    )
    return found if found is not None and found.received_at >= now - KEPT else None


def ahead(session: Session, row: SelfCheck) -> int:
    """How much waits for the same kind of device and comes before it, if nothing else comes."""
    there = select(Assignment.id).where(Assignment.device == row.assignment.device)
    counts = (
        select(func.count()).where(table.assignment_id.in_(there), table.state == State.WAITING)
        for table in (Submission, SelfCheck)
    )
    submissions, checks = counts
    own = checks.where(SelfCheck.id < row.id)
    return (session.scalar(submissions) or 0) + (session.scalar(own) or 0)


def drop_content(session: Session, row: SelfCheck) -> None:
    """Once it is done, what was checked is no longer needed."""
    session.execute(delete(SelfCheckContent).where(SelfCheckContent.self_check_id == row.id))


def sweep(database: Database, clock: Clock) -> None:
    """Forget what was checked long enough ago."""
    old = SelfCheck.received_at < clock() - KEPT
    with database.ask() as session:
        if session.scalar(select(SelfCheck.id).where(old).limit(1)) is None:
            return
    with database.write() as session:
        forget(session, old)


def forget(session: Session, which: ColumnElement[bool]) -> None:
    gone = session.scalars(select(SelfCheck.id).where(which)).all()
    if gone:
        contents = delete(SelfCheckContent).where(SelfCheckContent.self_check_id.in_(gone))
        session.execute(contents)
        session.execute(delete(SelfCheck).where(SelfCheck.id.in_(gone)))
