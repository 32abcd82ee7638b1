"""The tables."""

from server.models.base import Base
from server.models.submission import State, Submission

__all__ = ["Base", "State", "Submission"]
