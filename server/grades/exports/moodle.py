"""Grades as CSV for Moodle's grade import."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.spreadsheet import Cell, write
from server.grades.exports.gradebook import Gradebook, Line
from server.storage.models import Assignment


def moodle_csv(book: Gradebook) -> str:
    """One line for each student who has a grade, with points and feedback for each assignment.

    Moodle matches addresses by case, so they are written as the roster wrote them. A feedback that
    comes without its grade would wipe the grade out there: it is left out here.
    """
    titles = [
        title
        for assignment in book.assignments
        for title in (f"{assignment.title} (points)", f"{assignment.title} feedback")
    ]
    rows = [
        (
            line.enrolment.user.name,
            line.enrolment.address or line.enrolment.user.email,
            line.enrolment.moodle_id,
            *_cells(book, line),
        )
        for line in book.lines
        if any(line.points(assignment) is not None for assignment in book.assignments)
    ]
    return write([("Full name", "Email address", "ID number", *titles), *rows])


def _cells(book: Gradebook, line: Line) -> Iterator[Cell]:
    for assignment in book.assignments:
        points = line.points(assignment)
        yield points
        yield "" if points is None else _feedback(book, line, assignment)


def _feedback(book: Gradebook, line: Line, assignment: Assignment) -> str:
    """How late the submission that counts was, and what was written to the student about it."""
    grade = line.grades[assignment.id]
    days = grade.late_days
    free = f", {grade.free_days} of them free" if grade.free_days else ""
    late = [f"{days} day{'s' if days > 1 else ''} late{free}."] if days else []
    comments = book.comments.get(grade.submission_id, ()) if grade.submission_id else ()
    return "\n\n".join([*late, *comments])
