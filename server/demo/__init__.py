"""`gradmark demo`: a generated course, its submissions graded for real, to be looked at."""

from server.demo.command import demo

__all__ = ["demo"]
