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

__all__ = ["SCHEMA", "YOURS", "Report", "instructor_view", "schema", "student_view", "validate"]
