"""Grade submissions anew as a set, apart from their scores, until somebody applies what was found.

The items wait in the queue behind every submission (`server.grading.queue`). Nothing that a student
sees changes before `apply`; `discard` leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session, joinedload, undefer

from server import outbox
from server.grades import grades, rights, teams
from server.grading import results
from server.language import _
from server.storage import audit
from server.storage.models import (
    Assignment,
    Extension,
    Regrade,
    RegradeItem,
    RegradeState,
    Role,
    State,
    Submission,
    User,
)


class Which(StrEnum):
    """Of the submissions for an assignment that do not wait to be graded anyway."""

    # Whose scores decide the grades: after it each grade is what grading everything would give.
    COULD_COUNT = "could-count"
    OLDER = "older"  # graded by a reference that is not the present one
    LATEST = "latest"
    ALL = "all"


class RegradeError(ValueError):
    """It cannot be done now; the message is one sentence."""


def start(
    session: Session,
    assignment: Assignment,
    users: Collection[int] | None,
    which: Which,
    reason: str,
    *,
    at: datetime,
    actor: User,
    reference: str | None = None,
) -> Regrade:
    """Queue the submissions of these students (None: of all).

    Args:
        reference: the digest of the present one, for those that are OLDER.

    Raises:
        RegradeError: an earlier regrade of the assignment is open, or there is nothing to grade.
    """
    if open_regrade(session, assignment) is not None:
        raise RegradeError(
            _("An earlier regrade of this assignment is open: apply or discard that one first.")
        )
    chosen = _chosen(session, assignment, users, which, reference)
    if not chosen:
        raise RegradeError(_("None of the chosen students has such a submission for it."))
    regrade = Regrade(
        assignment_id=assignment.id,
        reason=reason,
        state=RegradeState.RUNNING,
        started_by_id=actor.id,
        started_at=at,
    )
    session.add(regrade)
    session.flush()
    session.add_all(
        RegradeItem(regrade_id=regrade.id, submission_id=id_, state=State.WAITING, not_before=at)
        for id_ in chosen
    )
    _record(session, regrade, audit.Action.REGRADE_STARTED, at, actor, which=which.value)
    return regrade


def apply(session: Session, regrade: Regrade, *, at: datetime, actor: User) -> int:
    """Give every submission that was graded anew its new report; return how many grades changed.

    Raises:
        RegradeError: it is still running, applied or discarded already, or the exercises changed
            while it ran.
    """
    _open(regrade)
    if _count(session, regrade, RegradeItem.state.in_((State.WAITING, State.GRADING))):
        raise RegradeError(_("This regrade is still running: apply it when it is complete."))
    references = session.scalars(
        select(RegradeItem.reference)
        .where(RegradeItem.regrade_id == regrade.id, RegradeItem.state == State.GRADED)
        .distinct()
    ).all()
    if len(references) > 1:
        raise RegradeError(
            _(
                "The exercises changed while this regrade ran, so that its submissions are "
                "graded by different versions: discard it and start it again."
            )
        )
    graded = session.scalars(
        select(RegradeItem.id)
        .where(RegradeItem.regrade_id == regrade.id, RegradeItem.state == State.GRADED)
        .order_by(RegradeItem.id)
    ).all()
    students = {_replace(session, item, at) for item in graded}
    changed = grades.refresh(
        session,
        regrade.assignment,
        students,
        at=at,
        actor=actor,
        cause=f"regrade {regrade.id}",
    )
    _end(regrade, RegradeState.APPLIED, at, actor)
    _record(
        session,
        regrade,
        audit.Action.REGRADE_APPLIED,
        at,
        actor,
        grades_changed=changed,
        reference=next(iter(references), None),
    )
    return changed


def still_wanted(session: Session, regrade: Regrade) -> bool:
    """Whether who started it might start it now."""
    course = regrade.assignment.course
    return rights.holds(session, regrade.started_by, course, Role.ASSISTANT)


def discard(session: Session, regrade: Regrade, *, at: datetime, actor: User | None) -> None:
    """End it without a change; what still waits is graded no more.

    Args:
        actor: None for the server itself, when whoever started it may do so no more.

    Raises:
        RegradeError: it is applied or discarded already.
    """
    _open(regrade)
    session.execute(
        delete(RegradeItem).where(
            RegradeItem.regrade_id == regrade.id,
            RegradeItem.state.in_((State.WAITING, State.GRADING)),
        )
    )
    _end(regrade, RegradeState.DISCARDED, at, actor)
    _record(session, regrade, audit.Action.REGRADE_DISCARDED, at, actor)


def open_regrade(session: Session, assignment: Assignment) -> Regrade | None:
    return session.scalar(
        select(Regrade).where(
            Regrade.assignment_id == assignment.id, Regrade.state == RegradeState.RUNNING
        )
    )


def older(reference: str) -> ColumnElement[bool]:
    """The condition that a submission was graded by another reference than this."""
    return and_(
        Submission.state == State.GRADED,
        or_(Submission.reference.is_(None), Submission.reference != reference),
    )


def _chosen(
    session: Session,
    assignment: Assignment,
    users: Collection[int] | None,
    which: Which,
    reference: str | None,
) -> list[int]:
    query = select(Submission).where(Submission.assignment_id == assignment.id)
    of_team = teams.teams_of(session, assignment)
    if users is not None:
        whose = teams.together(of_team, users)
        query = query.where(Submission.user_id.in_(whose))
    if which is Which.OLDER:
        query = query.where(older(reference or ""))
    rows = session.scalars(query).all()
    everybody = {row.user_id for row in rows} | set(of_team)
    of_student = teams.by_user(of_team, everybody, rows)
    extensions = teams.extensions(
        of_team,
        session.scalars(select(Extension).where(Extension.assignment_id == assignment.id)),
    )
    zone = ZoneInfo(assignment.course.timezone)
    chosen: set[Submission] = set()
    for user, submissions in of_student.items():
        if which is Which.COULD_COUNT:
            chosen |= set(grades.could_count(assignment, extensions.get(user), submissions, zone))
        elif which is Which.LATEST:
            graded = [s for s in submissions if s.state is State.GRADED]
            chosen |= set(sorted(graded, key=lambda s: s.number)[-1:])
        else:
            chosen |= set(submissions)
    return sorted(submission.id for submission in chosen if submission.state.final)


def _replace(session: Session, item_id: int, at: datetime) -> int:
    """Swap the reports; return whose submission it is. Reports are large, so one at a time."""
    item = session.scalars(
        select(RegradeItem)
        .where(RegradeItem.id == item_id)
        .options(
            undefer(RegradeItem.report),
            joinedload(RegradeItem.submission).undefer(Submission.report),
        )
    ).one()
    submission = item.submission
    report = item.report or {}
    item.replaced = submission.report
    results.store(session, submission, report)
    submission.state, submission.graded_at = State.GRADED, item.graded_at
    outbox.fault_is_over(session, submission, at)
    session.flush()
    user = submission.user_id
    session.expunge(item)
    session.expunge(submission)
    return user


def _count(session: Session, regrade: Regrade, *conditions: object) -> int:
    query = select(func.count()).select_from(RegradeItem)
    query = query.where(RegradeItem.regrade_id == regrade.id, *conditions)  # type: ignore[arg-type]
    return session.scalar(query) or 0


def _open(regrade: Regrade) -> None:
    if regrade.state is not RegradeState.RUNNING:
        raise RegradeError(_("This regrade is %(state)s already.", state=_(regrade.state)))


def _end(regrade: Regrade, state: RegradeState, at: datetime, actor: User | None) -> None:
    regrade.state, regrade.ended_at = state, at
    regrade.ended_by_id = None if actor is None else actor.id


def _record(
    session: Session,
    regrade: Regrade,
    action: audit.Action,
    at: datetime,
    actor: User | None,
    **detail: object,
) -> None:
    assignment = session.get_one(Assignment, regrade.assignment_id)
    audit.record(
        session,
        action,
        f"regrade:{regrade.id}",
        at=at,
        actor=actor,
        course_id=assignment.course_id,
        assignment=assignment.slug,
        submissions=_count(session, regrade),
        reason=regrade.reason,
        **detail,
    )
