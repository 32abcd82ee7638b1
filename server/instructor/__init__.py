"""What the staff of a course see and do."""

from server.instructor import exports, people, views
from server.instructor.blueprint import pages

__all__ = ["exports", "pages", "people", "views"]
