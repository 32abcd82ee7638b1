"""Grades as plain CSV, one line a student, and as JSON with how each grade came about."""

from __future__ import annotations

from typing import Any

from autograder.spreadsheet import EXCEL, Dialect, write
from server.grades.exports.gradebook import Gradebook
from server.storage.models import Grade


def grades_csv(book: Gradebook, dialect: Dialect = EXCEL) -> str:
    """Empty where nothing is graded yet."""
    slugs = [assignment.slug for assignment in book.assignments]
    rows = [
        (
            line.enrolment.user.email,
            line.enrolment.user.name,
            line.enrolment.section,
            *(line.points(assignment) for assignment in book.assignments),
            line.total,
            *([line.free_days_left(book.course)] if book.course.free_days else []),
        )
        for line in book.lines
    ]
    left = ["free_days_left"] if book.course.free_days else []
    return write([("email", "name", "section", *slugs, "total", *left), *rows], dialect)


def grades_json(book: Gradebook) -> dict[str, Any]:
    """The document; its keys are described in docs/instructors.md."""
    return {
        "course": book.course.slug,
        "total_in": "percent" if book.groups else "points",
        "groups": [
            {
                "slug": group.slug,
                "title": group.title,
                "weight": group.weight,
                "drop_lowest": group.drop_lowest,
            }
            for group in book.groups
        ],
        "assignments": [
            {
                "slug": assignment.slug,
                "title": assignment.title,
                "points": assignment.points,
                "due_at": assignment.due_at.isoformat(),
            }
            for assignment in book.assignments
        ],
        "students": [
            {
                "email": line.enrolment.user.email,
                "name": line.enrolment.user.name,
                "section": line.enrolment.section,
                "canvas_id": line.enrolment.canvas_id,
                "moodle_id": line.enrolment.moodle_id,
                "grades": {
                    assignment.slug: _grade(line.grades[assignment.id])
                    for assignment in book.assignments
                    if assignment.id in line.grades
                },
                "total": line.total,
                "free_days_left": line.free_days_left(book.course),
                "groups": {
                    group.slug: share.share
                    for group, share in zip(book.groups, line.result.groups, strict=True)
                },
            }
            for line in book.lines
        ],
    }


def _grade(grade: Grade) -> dict[str, Any]:
    return {
        "points": grade.points,
        "submission": grade.submission and grade.submission.public_id,
        "late_days": grade.late_days,
        "free_days": grade.free_days,
        "adjustment": grade.adjustment,
        "by_hand": grade.by_hand,
        "unmarked": grade.unmarked,
        "submissions": grade.submissions,
    }
