"""What students see: their courses, handing in, the state of a submission, its report."""

from server.web.student import (
    answers,
    attempts,
    badge,
    calendar,
    checks,
    comparing,
    fastest,
    lesson,
    views,
)
from server.web.student.blueprint import pages

__all__ = [
    "answers",
    "attempts",
    "badge",
    "calendar",
    "checks",
    "comparing",
    "fastest",
    "lesson",
    "pages",
    "views",
]
