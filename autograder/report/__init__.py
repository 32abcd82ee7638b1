"""The report: everything that one grading run found, as one JSON document, and its two views."""

from autograder.report.document import (
    SCHEMA,
    YOURS,
    Report,
    instructor_view,
    schema,
    student_view,
    validate,
)
from autograder.report.times import Pace, keeping_times, paces

__all__ = [
    "SCHEMA",
    "YOURS",
    "Pace",
    "Report",
    "instructor_view",
    "keeping_times",
    "paces",
    "schema",
    "student_view",
    "validate",
]
