"""What students see: their courses, handing in, the state of a submission, its report."""

from server.student import attempts, comparing, views
from server.student.blueprint import pages

__all__ = ["attempts", "comparing", "pages", "views"]
