"""The forms of the staff's pages."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from flask_babel import lazy_gettext as _
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
        _("Reason"), [InputRequired(_("Say why: it is kept in the audit log.")), Length(max=1000)]
    )


def _not_blank(_form: Form, field: Any) -> None:
    if not (field.data or "").strip():
        raise ValidationError(_("There is nothing in it."))


class ExtensionForm(Form):
    """Dates are the course's own time. Left empty: as for everyone."""

    due_at = DateTimeLocalField(_("Due"), [Optional()], format="%Y-%m-%dT%H:%M")
    late_until = DateTimeLocalField(_("Late until"), [Optional()], format="%Y-%m-%dT%H:%M")
    extra_attempts = IntegerField(
        _("Extra attempts"), [InputRequired(), NumberRange(0, _MOST_ATTEMPTS)], default=0
    )
    extra_minutes = IntegerField(
        _("Extra minutes"),
        [Optional(), NumberRange(0, _MOST_MINUTES)],
        default=0,
        description=_("Beyond those that everyone has from pressing Start on."),
    )
    extension_reason = _reason()
    grant = SubmitField(_("Grant"))

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

    assignment = SelectField(_("Assignment"))
    section = SelectField(_("Everybody in the section"))
    addresses = TextAreaField(
        _("And those with these addresses"),
        [Length(max=200_000)],
        description=_("One per line, or with commas between."),
        render_kw={"rows": 4},
    )


class AdjustmentForm(Form):
    points = DecimalField(
        _("Points to give or take"),
        [InputRequired(), NumberRange(-_MOST_POINTS, _MOST_POINTS)],
        description=_("Added to the grade, after any penalty; take points with a minus sign."),
    )
    adjustment_reason = _reason()
    adjust = SubmitField(_("Adjust"))

    def validate_points(self, field: Any) -> None:
        if field.data is not None and not (field.data.is_finite() and field.data != 0):
            raise ValidationError(_("It must be a number other than 0."))


class PointsForm(Form):
    """Points given or taken on the desk."""

    exercise = StringField(_("Exercise"), [Length(max=200)])
    points = DecimalField(
        _("Points to give or take"), [InputRequired(), NumberRange(-_MOST_POINTS, _MOST_POINTS)]
    )
    reason = _reason()
    adjust = SubmitField(_("Adjust"))

    validate_points = AdjustmentForm.validate_points


class CommentForm(Form):
    """On all of a submission, or at a line of it."""

    exercise = StringField(_("Exercise"), [Length(max=200)])  # by whose code it is written
    place = StringField(_("File or cell"), [Length(max=200)])
    line = IntegerField(_("Line"), [Optional(), NumberRange(1)])
    saved = IntegerField(_("A saved comment"), [Optional()])
    text = TextAreaField(_("Comment"), [Length(max=10_000)], render_kw={"rows": 4})
    keep = StringField(_("Keep it for others with"), [Length(max=200)])
    for_staff = BooleanField(_("Only for staff"))
    send = SubmitField(_("Comment"))

    def validate_text(self, field: Any) -> None:
        if self.saved.data is None:
            _not_blank(self, field)


class AnnouncementForm(Form):
    title = StringField(_("Title"), [InputRequired(), Length(max=200), _not_blank])
    section = SelectField(_("To whom"), validate_choice=False)
    text = TextAreaField(
        _("Text"),
        [InputRequired(), Length(max=20_000), _not_blank],
        description=_("Markdown, with formulas between dollar signs."),
        render_kw={"rows": 8},
    )
    again = BooleanField(_("Tell everybody again, also by mail"))
    version = IntegerField(_("Version"), [Optional()])
    look = SubmitField(_("Preview"))
    send = SubmitField(_("Announce"))


class ReplyForm(Form):
    """One comment for many."""

    text = TextAreaField(
        _("Comment to all of them"),
        [InputRequired(), Length(max=10_000), _not_blank],
        description=_(
            "Each finds it at the submission that counts. Who has it already, word for "
            "word, does not get it twice."
        ),
        render_kw={"rows": 4},
    )
    send = SubmitField(_("Comment to all of them"))


def _finite(_form: Form, field: Any) -> None:
    if field.data is not None and not field.data.is_finite():
        raise ValidationError(_("It must be a number."))


class MarkForm(Form):
    """What one marker gives an answer, with an item that is new to the rubric."""

    chosen = SelectMultipleField(coerce=int, validate_choice=False, choices=[])
    new_text = StringField(_("New item"), [Optional(), Length(max=500)])
    new_points = DecimalField(
        _("Its points"), [Optional(), NumberRange(-_MOST_POINTS, _MOST_POINTS), _finite]
    )
    extra = DecimalField(
        _("Points beside the rubric"),
        [Optional(), NumberRange(-_MOST_POINTS, _MOST_POINTS), _finite],
    )
    comment = TextAreaField(_("Comment"), [Length(max=10_000)])
    seen = IntegerField(_("Seen"), [InputRequired()])


class RubricForm(Form):
    text = StringField(_("Item"), [InputRequired(), Length(max=500), _not_blank])
    points = DecimalField(
        _("Points"), [InputRequired(), NumberRange(-_MOST_POINTS, _MOST_POINTS), _finite]
    )


class RegradeForm(Form):
    assignment = SelectField(_("Assignment"))
    which = SelectField(
        _("Submissions"),
        choices=[
            SelectChoice(Which.COULD_COUNT.value, _("all that could count")),
            SelectChoice(Which.OLDER.value, _("those graded by an older version of the exercises")),
            SelectChoice(Which.LATEST.value, _("the latest of each student")),
            SelectChoice(Which.ALL.value, _("every file, superseded ones too")),
        ],
    )
    students = SelectMultipleField(
        _("Students"),
        coerce=int,
        description=_("None chosen means everybody."),
        render_kw={"size": 6},
    )
    reason = _reason()
    start = SubmitField(_("Grade anew"))
