"""The forms of the staff's pages."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from wtforms import (
    BooleanField,
    DateTimeLocalField,
    DecimalField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.validators import (
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from server.grades import moments
from server.grading.regrades import Which
from server.web.forms import Form

_MOST_POINTS = 10_000
_MOST_ATTEMPTS = 1000
_MOST_MINUTES = 10_080


def _reason() -> StringField:
    return StringField(
        "Reason", [InputRequired("Say why: it is kept in the audit log."), Length(max=1000)]
    )


def _not_blank(_form: Form, field: Any) -> None:
    if not (field.data or "").strip():
        raise ValidationError("There is nothing in it.")


class ExtensionForm(Form):
    """Dates are the course's own time. Left empty: as for everyone."""

    due_at = DateTimeLocalField("Due", [Optional()], format="%Y-%m-%dT%H:%M")
    late_until = DateTimeLocalField("Late until", [Optional()], format="%Y-%m-%dT%H:%M")
    extra_attempts = IntegerField(
        "Extra attempts", [InputRequired(), NumberRange(0, _MOST_ATTEMPTS)], default=0
    )
    extra_minutes = IntegerField(
        "Extra minutes",
        [Optional(), NumberRange(0, _MOST_MINUTES)],
        default=0,
        description="Beyond those that everyone has from pressing Start on.",
    )
    extension_reason = _reason()
    grant = SubmitField("Grant")

    def moment(self, name: str, zone: tzinfo) -> datetime | None:
        """What was chosen; where there is no such time, the field says so."""
        field = self[name]
        try:
            return None if field.data is None else moments.at(field.data, zone)
        except moments.NoSuchTime as error:
            field.errors = [str(error)]
            return None


class ManyExtensionsForm(ExtensionForm):
    """The same for many."""

    assignment = SelectField("Assignment")
    section = SelectField("Everybody in the section")
    addresses = TextAreaField(
        "And those with these addresses",
        [Length(max=200_000)],
        description="One per line, or with commas between.",
        render_kw={"rows": 4},
    )


class AdjustmentForm(Form):
    points = DecimalField(
        "Points to give or take",
        [InputRequired(), NumberRange(-_MOST_POINTS, _MOST_POINTS)],
        description="Added to the grade, after any penalty; take points with a minus sign.",
    )
    adjustment_reason = _reason()
    adjust = SubmitField("Adjust")

    def validate_points(self, field: Any) -> None:
        if field.data is not None and not (field.data.is_finite() and field.data != 0):
            raise ValidationError("It must be a number other than 0.")


class PointsForm(Form):
    """Points given or taken on the desk."""

    exercise = StringField("Exercise", [Length(max=200)])
    points = DecimalField(
        "Points to give or take", [InputRequired(), NumberRange(-_MOST_POINTS, _MOST_POINTS)]
    )
    reason = _reason()
    adjust = SubmitField("Adjust")

    validate_points = AdjustmentForm.validate_points


class CommentForm(Form):
    """On all of a submission, or at a line of it."""

    exercise = StringField("Exercise", [Length(max=200)])  # by whose code it is written
    place = StringField("File or cell", [Length(max=200)])
    line = IntegerField("Line", [Optional(), NumberRange(1)])
    saved = IntegerField("A saved comment", [Optional()])
    text = TextAreaField("Comment", [Length(max=10_000)], render_kw={"rows": 4})
    keep = StringField("Keep it for others with", [Length(max=200)])
    for_staff = BooleanField("Only for staff")
    send = SubmitField("Comment")

    def validate_text(self, field: Any) -> None:
        if self.saved.data is None:
            _not_blank(self, field)


class AnnouncementForm(Form):
    title = StringField("Title", [InputRequired(), Length(max=200), _not_blank])
    section = SelectField("To whom", validate_choice=False)
    text = TextAreaField(
        "Text",
        [InputRequired(), Length(max=20_000), _not_blank],
        description="Markdown, with formulas between dollar signs.",
        render_kw={"rows": 8},
    )
    again = BooleanField("Tell everybody again, also by mail")
    version = IntegerField("Version", [Optional()])
    look = SubmitField("Preview")
    send = SubmitField("Announce")


class ReplyForm(Form):
    """One comment for many."""

    text = TextAreaField(
        "Comment to all of them",
        [InputRequired(), Length(max=10_000), _not_blank],
        description="Each finds it at the submission that counts. Who has it already, word for "
        "word, does not get it twice.",
        render_kw={"rows": 4},
    )
    send = SubmitField("Comment to all of them")


def _finite(_form: Form, field: Any) -> None:
    if field.data is not None and not field.data.is_finite():
        raise ValidationError("It must be a number.")


class MarkForm(Form):
    """What one marker gives an answer, with an item that is new to the rubric."""

    chosen = SelectMultipleField(coerce=int, validate_choice=False, choices=[])
    new_text = StringField("New item", [Optional(), Length(max=500)])
    new_points = DecimalField(
        "Its points", [Optional(), NumberRange(-_MOST_POINTS, _MOST_POINTS), _finite]
    )
    extra = DecimalField(
        "Points beside the rubric", [Optional(), NumberRange(-_MOST_POINTS, _MOST_POINTS), _finite]
    )
    comment = TextAreaField("Comment", [Length(max=10_000)])
    seen = IntegerField("Seen", [InputRequired()])


class RubricForm(Form):
    text = StringField("Item", [InputRequired(), Length(max=500), _not_blank])
    points = DecimalField(
        "Points", [InputRequired(), NumberRange(-_MOST_POINTS, _MOST_POINTS), _finite]
    )


class RegradeForm(Form):
    assignment = SelectField("Assignment")
    which = SelectField(
        "Submissions",
        choices=[
            SelectChoice(Which.COULD_COUNT.value, "all that could count"),
            SelectChoice(Which.OLDER.value, "those graded by an older version of the exercises"),
            SelectChoice(Which.LATEST.value, "the latest of each student"),
            SelectChoice(Which.ALL.value, "every file, superseded ones too"),
        ],
    )
    students = SelectMultipleField(
        "Students",
        coerce=int,
        description="None chosen means everybody.",
        render_kw={"size": 6},
    )
    reason = _reason()
    start = SubmitField("Grade anew")
