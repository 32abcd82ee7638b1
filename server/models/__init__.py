"""The tables."""

from server.models.audit import AuditEntry
from server.models.base import Base
from server.models.course import (
    Assignment,
    Counts,
    Course,
    Enrolment,
    Extension,
    Role,
    SourcePolicy,
)
from server.models.health import GraderProcess, Meter
from server.models.marking import (
    Adjustment,
    Comment,
    Grade,
    Regrade,
    RegradeItem,
    RegradeState,
)
from server.models.people import ApiToken, Invitation, Scope, User
from server.models.similarity import Search, SearchState, SimilarPair
from server.models.submission import ExerciseScore, MisconceptionFound, Submission
from server.models.work import State, Work

__all__ = [
    "Adjustment",
    "ApiToken",
    "Assignment",
    "AuditEntry",
    "Base",
    "Comment",
    "Counts",
    "Course",
    "Enrolment",
    "ExerciseScore",
    "Extension",
    "Grade",
    "GraderProcess",
    "Invitation",
    "Meter",
    "MisconceptionFound",
    "Regrade",
    "RegradeItem",
    "RegradeState",
    "Role",
    "Scope",
    "Search",
    "SearchState",
    "SimilarPair",
    "SourcePolicy",
    "State",
    "Submission",
    "User",
    "Work",
]
