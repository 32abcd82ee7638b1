"""What students see: their courses, handing in, the state of a submission, its report."""

from server.student.views import pages

__all__ = ["pages"]
