"""What the staff of a course see and do."""

from server.instructor import people, views
from server.instructor.blueprint import pages

__all__ = ["pages", "people", "views"]
