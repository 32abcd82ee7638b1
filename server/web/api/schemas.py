"""What the API takes and gives."""

from __future__ import annotations

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from server.grades.deadlines import Phase
from server.grades.totals import Part
from server.storage.models import Counts, Delivery, Kind, Role, Scope, State

_LARGEST_ID = 2**31 - 1


def _time(**options: Any) -> fields.Field[Any]:
    return fields.AwareDateTime(format="iso", **options)


def _said(text: str) -> dict[str, str]:
    return {"description": text}


class ProblemDetail(Schema):
    where = fields.String(data_key="in", metadata=_said("query or files"))
    field = fields.String()
    detail = fields.String()


class Problem(Schema):
    """RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata=_said("One sentence: what is wrong."))
    errors = fields.List(fields.Nested(ProblemDetail), metadata=_said("Which fields, if any."))


class About(Schema):
    server = fields.String(required=True)
    version = fields.String(required=True)


class Person(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)


class Token(Schema):
    name = fields.String(required=True)
    scopes = fields.List(
        fields.String(validate=validate.OneOf([scope.value for scope in Scope])), required=True
    )
    expires_at = _time(required=True, allow_none=True)


class Me(Person):
    is_admin = fields.Boolean(required=True)
    token = fields.Nested(Token, required=True)


class HubToken(Schema):
    token = fields.String(
        required=True,
        validate=validate.Length(1, 500),
        metadata=_said("What a JupyterHub gave a notebook: its JUPYTERHUB_API_TOKEN."),
    )
    hub = fields.String(
        load_default="", metadata=_said("Which hub, where this server knows several.")
    )


class LentToken(Schema):
    token = fields.String(required=True)
    expires_at = _time(required=True)


class Course(Schema):
    slug = fields.String(required=True, attribute="course.slug")
    title = fields.String(required=True, attribute="course.title")
    timezone = fields.String(required=True, attribute="course.timezone")
    role = fields.Enum(
        Role,
        by_value=True,
        required=True,
        metadata=_said("What the token makes of its user: a student unless it may manage."),
    )


class OwnGrade(Schema):
    points = fields.Float(required=True, allow_none=True, metadata=_said("null: nothing graded."))
    late_days = fields.Integer(required=True)
    free_days = fields.Integer(required=True, metadata=_said("Late days that cost nothing."))
    adjustment = fields.Float(
        required=True, metadata=_said("Given or taken by hand, in the points.")
    )
    by_hand = fields.Float(
        required=True,
        allow_none=True,
        metadata=_said("Of the points, from parts that people mark; null: none is marked yet."),
    )
    unmarked = fields.Integer(required=True, metadata=_said("How many answers wait to be marked."))


class Assignment(Schema):
    slug = fields.String(required=True, attribute="assignment.slug")
    topic = fields.String(required=True, attribute="assignment.topic")
    title = fields.String(required=True, attribute="assignment.title")
    points = fields.Float(required=True, attribute="assignment.points")
    hand_points = fields.Float(
        required=True,
        attribute="assignment.hand_points",
        metadata=_said("Of the points, those of parts that people mark."),
    )
    state = fields.Enum(Phase, by_value=True, required=True, attribute="phase")
    opens_at = _time(required=True, attribute="assignment.opens_at")
    due_at = _time(
        required=True,
        attribute="allowance.deadlines.due_at",
        metadata=_said("With the user's extension, as all that follows."),
    )
    late_until = _time(required=True, attribute="allowance.deadlines.late_until")
    late_penalty = fields.Float(
        required=True,
        attribute="assignment.late_penalty",
        metadata=_said("Percent lost per day begun."),
    )
    free_days = fields.Integer(
        required=True, metadata=_said("How many late days the user may use here for nothing.")
    )
    attempts_left = fields.Integer(
        required=True,
        allow_none=True,
        attribute="allowance.left",
        metadata=_said("null: no limit."),
    )
    attempts_left_today = fields.Integer(
        required=True, allow_none=True, attribute="allowance.left_today"
    )
    refusal = fields.String(
        required=True,
        allow_none=True,
        metadata=_said("Why nothing can be handed in now; null: it can."),
    )
    counts = fields.Enum(Counts, by_value=True, required=True, attribute="assignment.counts")
    window_minutes = fields.Integer(
        required=True,
        allow_none=True,
        attribute="allowance.window",
        metadata=_said("How long the user has from pressing Start on; null: there is no such."),
    )
    started_at = _time(required=True, allow_none=True, attribute="allowance.started_at")
    scores_shown = fields.Boolean(
        required=True,
        attribute="shown.scores",
        metadata=_said("False: grade, scores and reports are not to be seen yet."),
    )
    grade = fields.Nested(OwnGrade, required=True, allow_none=True)
    badge = fields.String(
        required=True,
        metadata=_said("Where the user's last report is a picture: whoever has it, sees it."),
    )


class TotalLine(Schema):
    assignment = fields.String(required=True, attribute="assignment.slug")
    points = fields.Float(required=True, allow_none=True)
    part = fields.Enum(
        Part, by_value=True, required=True, metadata=_said("What it is in the total.")
    )


class TotalGroup(Schema):
    title = fields.String(required=True)
    share = fields.Float(
        required=True, allow_none=True, metadata=_said("In percent; null: nothing counts yet.")
    )
    weight = fields.Float(
        required=True, metadata=_said("In percent, of the groups that count by now.")
    )
    drop_lowest = fields.Integer(required=True)
    lines = fields.List(fields.Nested(TotalLine), required=True)


class Total(Schema):
    value = fields.Float(
        required=True,
        allow_none=True,
        attribute="total.value",
        metadata=_said("Rounded by the course's rule; null: nothing counts yet."),
    )
    exact = fields.Float(required=True, allow_none=True, attribute="total.exact")
    most = fields.Float(
        required=True, attribute="total.most", metadata=_said("Without what is bonus.")
    )
    in_percent = fields.Boolean(required=True, attribute="total.in_percent")
    groups = fields.List(fields.Nested(TotalGroup), required=True, attribute="total.groups")
    lines = fields.List(
        fields.Nested(TotalLine),
        required=True,
        attribute="total.lines",
        metadata=_said("The assignments in no group."),
    )
    equation = fields.String(required=True)
    rule = fields.List(fields.String(), required=True, metadata=_said("In sentences."))


class HandIn(Schema):
    file = fields.List(
        Upload(),
        required=True,
        validate=validate.Length(min=1),
        metadata=_said("A .py, .ipynb or .zip; or several .py and .ipynb, kept as one zip."),
    )


class FunctionSeen(Schema):
    name = fields.String(required=True)
    place = fields.String(required=True, metadata=_said("The file, or of a notebook which cell."))
    line = fields.Integer(required=True)
    written = fields.Boolean(required=True, metadata=_said("It is no longer as handed out."))


class Look(Schema):
    functions = fields.List(
        fields.Nested(FunctionSeen), required=True, metadata=_said("Of the assignment's functions.")
    )
    missing = fields.List(fields.String(), required=True, metadata=_said("The other ones."))
    problems = fields.List(
        fields.String(), required=True, metadata=_said("What is no Python: place, line, why.")
    )
    sentences = fields.List(fields.String(), required=True, metadata=_said("All that, to be read."))
    refusal = fields.String(
        required=True, allow_none=True, metadata=_said("Why handing this in would be refused.")
    )
    again = fields.Boolean(
        required=True, metadata=_said("It is, byte for byte, what was handed in before.")
    )


class Progress(Schema):
    exercise = fields.String(required=True, allow_none=True)
    done = fields.Integer(required=True)
    total = fields.Integer(required=True)


class Submission(Schema):
    id = fields.String(required=True, attribute="submission.public_id")
    assignment = fields.String(required=True, attribute="submission.assignment.slug")
    user = fields.Nested(Person, required=True, attribute="submission.user")
    number = fields.Integer(
        required=True,
        attribute="submission.number",
        metadata=_said("The user's first, second, ... for the assignment."),
    )
    filename = fields.String(required=True, attribute="submission.filename")
    digest = fields.String(
        required=True, attribute="submission.digest", metadata=_said("SHA-256 of what is kept.")
    )
    received_at = _time(required=True, attribute="submission.received_at")
    state = fields.Enum(State, by_value=True, required=True, attribute="submission.state")
    final = fields.Boolean(
        required=True,
        attribute="submission.state.final",
        metadata=_said("Whether the state will stay as it is."),
    )
    graded_at = _time(required=True, allow_none=True, attribute="submission.graded_at")
    score = fields.Float(
        required=True,
        allow_none=True,
        metadata=_said("What the report gives, before late days and what is done by hand."),
    )
    max_score = fields.Float(
        required=True,
        allow_none=True,
        metadata=_said("The assignment's points without hand_points; null: no score."),
    )
    counts = fields.Boolean(
        required=True,
        metadata=_said("Whether the grade comes from it; false while scores are not shown."),
    )
    scores_shown = fields.Boolean(
        required=True, metadata=_said("False: its score and report are not to be seen yet.")
    )


class SubmissionStatus(Submission):
    position = fields.Integer(
        required=True, allow_none=True, metadata=_said("1: graded next; null: it does not wait.")
    )
    graders = fields.Integer(
        required=True, metadata=_said("How many can grade it now: with none, it goes on to wait.")
    )
    retrying = fields.Boolean(required=True, metadata=_said("After a fault of the server's."))
    progress = fields.Nested(Progress, required=True)
    look = fields.List(
        fields.String(), metadata=_said("On handing in: what can be seen of it, in sentences.")
    )


class SubmissionQuery(Schema):
    assignment = fields.String(metadata=_said("Of this assignment only."))
    user_id = fields.Integer(
        validate=validate.Range(1, _LARGEST_ID),
        metadata=_said("Of this user; for staff. By default one's own."),
    )
    everyone = fields.Boolean(load_default=False, metadata=_said("Of all; for staff."))
    state = fields.Enum(State, by_value=True)


class ReportQuery(Schema):
    view = fields.String(
        validate=validate.OneOf(["student", "instructor"]),
        metadata=_said("By default the fullest that one may see."),
    )


class Grade(Schema):
    user = fields.Nested(Person, required=True)
    assignment = fields.String(required=True, attribute="assignment.slug")
    points = fields.Float(required=True, allow_none=True, metadata=_said("null: nothing graded."))
    max_points = fields.Float(required=True, attribute="assignment.points")
    late_days = fields.Integer(required=True)
    free_days = fields.Integer(required=True, metadata=_said("Late days that cost nothing."))
    adjustment = fields.Float(required=True)
    by_hand = fields.Float(
        required=True,
        allow_none=True,
        metadata=_said("Of the points, from parts that people mark; null: none is marked yet."),
    )
    unmarked = fields.Integer(required=True, metadata=_said("How many answers wait to be marked."))
    submission = fields.String(
        required=True,
        allow_none=True,
        attribute="submission.public_id",
        dump_default=None,
        metadata=_said("The id of the one that counts."),
    )
    submissions = fields.Integer(required=True, metadata=_said("How many were accepted."))
    last_received_at = _time(required=True, allow_none=True)


class Place(Schema):
    user = fields.Nested(Person, required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    section = fields.String(required=True)
    here = fields.Boolean(required=True, metadata=_said("False: they have left the course."))


class Somebody(Schema):
    """A person as another system knows them; what it does not say is left out."""

    key = fields.String(required=True, metadata=_said("The caller's own name for them."))
    name = fields.String(load_default="")
    email = fields.String(load_default="")
    login = fields.String(load_default="")
    identifier = fields.String(
        load_default="", metadata=_said("In the course system; the roster's canvas_id.")
    )


class People(Schema):
    people = fields.List(fields.Nested(Somebody), required=True, validate=validate.Length(max=5000))


class Matched(Schema):
    key = fields.String(required=True)
    user = fields.Nested(Person, required=True, allow_none=True)
    problem = fields.String(
        required=True,
        allow_none=True,
        metadata=_said("Why it is nobody; or, with somebody, what to look at."),
    )


class ResultFiles(Schema):
    file = Upload(required=True, metadata=_said("What was handed in."))
    report = Upload(required=True, metadata=_said("Its report, whole, as JSON."))


class ResultQuery(Schema):
    received_at = fields.AwareDateTime(
        format="iso",
        metadata=_said("When it was handed in, with its offset; left out, it is in time."),
    )


class Posted(Schema):
    submission = fields.Nested(Submission, required=True)
    again = fields.Boolean(
        required=True, metadata=_said("The file was there already: nothing was changed.")
    )
    differs = fields.Boolean(
        required=True, metadata=_said("And what is there has another result, or none yet.")
    )


class Delivered(Schema):
    """A grade on its way to a course system."""

    user = fields.Nested(Person, required=True)
    assignment = fields.String(required=True)
    state = fields.Enum(Delivery, by_value=True, required=True)
    attempts = fields.Integer(required=True)
    fault = fields.String(required=True, allow_none=True)
    created_at = _time(required=True)
    not_before = _time(required=True, metadata=_said("When it is tried, where it waits."))
    sent_at = _time(required=True, allow_none=True)


class DeliveredQuery(Schema):
    state = fields.Enum(Delivery, by_value=True)


class Outgoing(Schema):
    """Something that the server sends by itself: mail, or a grade."""

    user = fields.Nested(Person, required=True)
    kind = fields.Enum(Kind, by_value=True, required=True)
    state = fields.Enum(Delivery, by_value=True, required=True)
    attempts = fields.Integer(required=True)
    fault = fields.String(required=True, allow_none=True, attribute="last_fault")
    created_at = _time(required=True)
    not_before = _time(required=True)
    sent_at = _time(required=True, allow_none=True)


class LinkedAssignment(Schema):
    assignment = fields.String(required=True)
    grades = fields.Boolean(required=True, metadata=_said("Whether its grades go there."))


class CourseSystem(Schema):
    platform = fields.String(required=True)
    issuer = fields.String(required=True)
    title = fields.String(required=True, metadata=_said("What the course is called there."))
    roster = fields.Boolean(required=True, metadata=_said("Whether its roster can be read."))
    links = fields.List(fields.Nested(LinkedAssignment), required=True)


class GradeQuery(Schema):
    assignment = fields.String(metadata=_said("Of this assignment only."))
    user_id = fields.Integer(validate=validate.Range(1, _LARGEST_ID))


REPORT = {
    "type": "object",
    "description": "A view of the report; docs/report.md says what is in it.",
    "required": ["schema", "assignment", "score", "max_score", "exercises"],
    "properties": {
        "schema": {"type": "string"},
        "view": {"enum": ["student", "instructor"]},
        "assignment": {"type": "string"},
        "score": {"type": "number"},
        "max_score": {"type": "number"},
        "exercises": {"type": "array", "items": {"type": "object"}},
    },
}

EXPORT = {
    "type": "object",
    "description": "The gradebook; docs/instructors.md says what is in it.",
    "required": ["course", "assignments", "students"],
    "properties": {
        "course": {"type": "string"},
        "assignments": {"type": "array", "items": {"type": "object"}},
        "students": {"type": "array", "items": {"type": "object"}},
    },
}
