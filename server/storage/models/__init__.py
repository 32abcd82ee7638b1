"""The tables."""

from server.storage.models.audit import AuditEntry
from server.storage.models.base import Base
from server.storage.models.course import (
    WHEN_PUBLISHED,
    Assignment,
    Counts,
    Course,
    Enrolment,
    Extension,
    Role,
    Sitting,
    SourcePolicy,
)
from server.storage.models.desk import LookedAt, Question, QuestionState, SavedComment
from server.storage.models.health import Exercises, GraderProcess, Hit, Key, Meter
from server.storage.models.lti import (
    Deployment,
    LtiContext,
    LtiKey,
    LtiLink,
    LtiNonce,
    Platform,
)
from server.storage.models.marking import (
    Adjustment,
    Comment,
    Grade,
    Regrade,
    RegradeItem,
    RegradeState,
)
from server.storage.models.outbox import Delivery, Kind, MailSwitch, Outgoing
from server.storage.models.parts import (
    Answer,
    AnswerImage,
    Mark,
    MarkItem,
    Part,
    PartKind,
    RubricItem,
)
from server.storage.models.people import ApiToken, Identity, Invitation, Scope, User
from server.storage.models.similarity import (
    Judgement,
    PairJudgement,
    Search,
    SearchState,
    SimilarPair,
)
from server.storage.models.submission import (
    Content,
    ExerciseScore,
    LostCheck,
    MisconceptionFound,
    Pace,
    Submission,
)
from server.storage.models.work import State, Work

__all__ = [
    "WHEN_PUBLISHED",
    "Adjustment",
    "Answer",
    "AnswerImage",
    "ApiToken",
    "Assignment",
    "AuditEntry",
    "Base",
    "Comment",
    "Content",
    "Counts",
    "Course",
    "Delivery",
    "Deployment",
    "Enrolment",
    "ExerciseScore",
    "Exercises",
    "Extension",
    "Grade",
    "GraderProcess",
    "Hit",
    "Identity",
    "Invitation",
    "Judgement",
    "Key",
    "Kind",
    "LookedAt",
    "LostCheck",
    "LtiContext",
    "LtiKey",
    "LtiLink",
    "LtiNonce",
    "MailSwitch",
    "Mark",
    "MarkItem",
    "Meter",
    "MisconceptionFound",
    "Outgoing",
    "Pace",
    "PairJudgement",
    "Part",
    "PartKind",
    "Platform",
    "Question",
    "QuestionState",
    "Regrade",
    "RegradeItem",
    "RegradeState",
    "Role",
    "RubricItem",
    "SavedComment",
    "Scope",
    "Search",
    "SearchState",
    "SimilarPair",
    "Sitting",
    "SourcePolicy",
    "State",
    "Submission",
    "User",
    "Work",
]
