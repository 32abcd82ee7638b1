"""The forms of the staff's pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
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

from server.grading.regrades import Which

_MOST_POINTS = 10_000
_MOST_ATTEMPTS = 1000


def _reason() -> StringField:
    return StringField(
        "Reason", [InputRequired("Say why: it is kept in the audit log."), Length(max=1000)]
    )


def _not_blank(_form: FlaskForm, field: Any) -> None:
    if not (field.data or "").strip():
        raise ValidationError("There is nothing in it.")


class ExtensionForm(FlaskForm):  # type: ignore[misc]
    """Dates are the course's own time. Left empty: as for everyone."""

    due_at = DateTimeLocalField("Due", [Optional()], format="%Y-%m-%dT%H:%M")
    late_until = DateTimeLocalField("Late until", [Optional()], format="%Y-%m-%dT%H:%M")
    extra_attempts = IntegerField(
        "Extra attempts", [InputRequired(), NumberRange(0, _MOST_ATTEMPTS)], default=0
    )
    extension_reason = _reason()
    grant = SubmitField("Grant")

    def moment(self, name: str, timezone: str) -> datetime | None:
        chosen: datetime | None = self[name].data
        return None if chosen is None else chosen.replace(tzinfo=ZoneInfo(timezone))


class AdjustmentForm(FlaskForm):  # type: ignore[misc]
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


class CommentForm(FlaskForm):  # type: ignore[misc]
    text = TextAreaField(
        "Comment",
        [InputRequired(), Length(max=10_000), _not_blank],
        render_kw={"rows": 4},
    )
    for_staff = BooleanField("Only for staff")
    send = SubmitField("Comment")


class RegradeForm(FlaskForm):  # type: ignore[misc]
    assignment = SelectField("Assignment")
    which = SelectField(
        "Submissions",
        choices=[
            SelectChoice(Which.COUNTING.value, "those that count"),
            SelectChoice(Which.LATEST.value, "the latest of each student"),
            SelectChoice(Which.ALL.value, "all that are graded"),
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
