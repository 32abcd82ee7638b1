"""What of a report is written beside it, so that pages need not read reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import delete, insert, select
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

_BESIDE: tuple[Any, ...] = (ExerciseScore, LostCheck, MisconceptionFound, Pace)


def keep(work: Work, report: dict[str, Any]) -> None:
    work.report = report
    work.score = float(report["score"])
    work.max_score = float(report["max_score"])
    work.reference = report["environment"]["reference"]


def store(session: Session, submission: Submission, report: dict[str, Any]) -> None:
    """Keep the report as the submission's. What it says of exercises, of checks that cost points,
    of misconceptions and of how quick it was is written in place of those of an earlier one."""
    if submission.score is not None:
        for table in _BESIDE:
            session.execute(delete(table).where(table.submission_id == submission.id))
    keep(submission, report)
    session.flush()
    for table, rows in zip(_BESIDE, _rows(submission, report), strict=True):
        if rows:
            session.execute(
                insert(table),
                [{"submission_id": submission.id, **row} for row in rows],
                execution_options={"render_nulls": True},
            )


def _rows(submission: Submission, report: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """What is written into each of the tables."""
    exercises = report["exercises"]
    found = {
        (exercise["name"], entry["name"]): entry["hint"]
        for exercise in exercises
        for entry in exercise["diagnosis"]
    }
    whose = {
        name: getattr(submission, name) for name in ("assignment_id", "user_id", "received_at")
    }
    yield [
        {
            "position": position,
            "exercise": exercise["name"],
            "score": float(exercise["score"]),
            "max_score": float(exercise["max_score"]),
        }
        for position, exercise in enumerate(exercises)
    ]
    yield _lost_checks(exercises)
    yield [
        {"exercise": exercise, "name": name, "hint": hint, **whose}
        for (exercise, name), hint in found.items()
    ]
    yield [
        {"exercise": exercise, "name": check, "within": within}
        for exercise, check, within in engine.paces(report)
    ]


def _lost_checks(exercises: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for exercise in exercises:
        for check in exercise["checks"]:
            lost = float(check["max_score"]) - float(check["score"])
            if lost > 0:
                failed = [case["name"] for case in check["cases"] if not case["passed"]]
                found[exercise["name"], check["name"]] = {
                    "exercise": exercise["name"],
                    "name": check["name"],
                    "lost": lost,
                    "max_score": float(check["max_score"]),
                    "alone": failed[0] if len(failed) == 1 else None,
                }
    return list(found.values())


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
