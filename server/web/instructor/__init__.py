"""What the staff of a course see and do."""

from server.web.instructor import (
    desk,
    exports,
    gradebook,
    handmarks,
    lms,
    log,
    people,
    publishing,
    questions,
    regrades,
    similarity,
    students,
    submissions,
    views,
)
from server.web.instructor.blueprint import pages

__all__ = [
    "desk",
    "exports",
    "gradebook",
    "handmarks",
    "lms",
    "log",
    "pages",
    "people",
    "publishing",
    "questions",
    "regrades",
    "similarity",
    "students",
    "submissions",
    "views",
]
