"""A course as data: `course.toml`, and how the database follows it."""

from server.courses.spec import AssignmentSpec, CourseError, CourseSpec, read
from server.courses.sync import sync

__all__ = ["AssignmentSpec", "CourseError", "CourseSpec", "read", "sync"]
