"""What the staff of a course see and do."""

from server.web.instructor import (
    course,
    desk,
    exports,
    extensions,
    gradebook,
    handmarks,
    lms,
    log,
    making,
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
    "course",
    "desk",
    "exports",
    "extensions",
    "gradebook",
    "handmarks",
    "lms",
    "log",
    "making",
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
