"""What of a report is written beside it, so that pages need not read reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server import engine
from server.storage.models import (
    ExerciseScore,
    LostCheck,
    MisconceptionFound,
    Pace,
    RegradeItem,
    Submission,
    Work,
)


def keep(work: Work, report: dict[str, Any]) -> None:
    work.report = report
    work.score = float(report["score"])
    work.max_score = float(report["max_score"])
    work.reference = report["environment"]["reference"]


def index(session: Session, submission: Submission, report: dict[str, Any]) -> None:
    """Write what the report says of exercises, of checks that cost points, of misconceptions and of
    how quick it was, in place of those of an earlier report."""
    for table in (ExerciseScore, LostCheck, MisconceptionFound, Pace):
        session.execute(delete(table).where(table.submission_id == submission.id))
    for position, exercise in enumerate(report["exercises"]):
        session.add(
            ExerciseScore(
                submission_id=submission.id,
                position=position,
                exercise=exercise["name"],
                score=float(exercise["score"]),
                max_score=float(exercise["max_score"]),
            )
        )
    session.add_all(_lost_checks(submission, report))
    for exercise, check, within in engine.paces(report):
        session.add(Pace(submission_id=submission.id, exercise=exercise, name=check, within=within))
    found = {
        (exercise["name"], entry["name"]): entry["hint"]
        for exercise in report["exercises"]
        for entry in exercise["diagnosis"]
    }
    for (exercise, name), hint in found.items():
        session.add(
            MisconceptionFound(submission_id=submission.id, exercise=exercise, name=name, hint=hint)
        )


def _lost_checks(submission: Submission, report: dict[str, Any]) -> Iterable[LostCheck]:
    found: dict[tuple[str, str], LostCheck] = {}
    for exercise in report["exercises"]:
        for check in exercise["checks"]:
            lost = float(check["max_score"]) - float(check["score"])
            if lost > 0:
                failed = [case["name"] for case in check["cases"] if not case["passed"]]
                found[exercise["name"], check["name"]] = LostCheck(
                    submission_id=submission.id,
                    exercise=exercise["name"],
                    name=check["name"],
                    lost=lost,
                    max_score=float(check["max_score"]),
                    alone=failed[0] if len(failed) == 1 else None,
                )
    return found.values()


def keeping_times(session: Session, item: RegradeItem, report: dict[str, Any]) -> dict[str, Any]:
    """What a regrade found, with the better of its times and those from before: they are noisy, and
    a regrade must not take marks away for that."""
    earlier = session.scalar(select(Submission.report).where(Submission.id == item.submission_id))
    return engine.keeping_times(report, earlier)


def compare(session: Session, item: RegradeItem, report: dict[str, Any]) -> None:
    """Write what a regrade found against what the submission has, exercise by exercise.

    It stays true until the regrade is applied: a graded submission is never graded otherwise, and
    an assignment has one open regrade at a time. One that had no report has nothing before.
    """
    before = {
        row.exercise: [row.score, row.max_score]
        for row in session.scalars(
            select(ExerciseScore)
            .where(ExerciseScore.submission_id == item.submission_id)
            .order_by(ExerciseScore.position)
        )
    }
    after = {
        exercise["name"]: [float(exercise["score"]), float(exercise["max_score"])]
        for exercise in report["exercises"]
    }
    item.score_before, item.max_score_before = item.submission.score, item.submission.max_score
    item.exercises = [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in dict.fromkeys((*before, *after))
    ]
    item.changed = before != after
