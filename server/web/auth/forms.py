"""The forms of the account pages."""

from __future__ import annotations

from wtforms import (
    EmailField,
    PasswordField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
)
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from server.people.accounts import SHORTEST_PASSWORD
from server.storage.models import Scope
from server.web.forms import Form

_LONGEST_PASSWORD = 200  # hashing costs by the length


class LoginForm(Form):
    email = EmailField(
        "E-mail", [InputRequired(), Length(max=254)], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        "Password",
        [InputRequired(), Length(max=_LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    submit = SubmitField("Log in")


def _new_password() -> PasswordField:
    return PasswordField(
        "New password",
        [
            InputRequired(),
            Length(
                SHORTEST_PASSWORD,
                _LONGEST_PASSWORD,
                f"A password has from {SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters.",
            ),
        ],
        description=f"At least {SHORTEST_PASSWORD} characters. Length counts, symbols do not.",
        render_kw={"autocomplete": "new-password", "minlength": SHORTEST_PASSWORD},
    )


class ForgottenForm(Form):
    email = EmailField(
        "E-mail", [InputRequired(), Length(max=254)], render_kw={"autocomplete": "username"}
    )
    submit = SubmitField("Send me a link")


class InvitationForm(Form):
    name = StringField(
        "Your name", [InputRequired(), Length(max=200)], render_kw={"autocomplete": "name"}
    )
    password = _new_password()
    submit = SubmitField("Set password and log in")


class PasswordForm(Form):
    current = PasswordField(
        "Current password",
        [InputRequired(), Length(max=_LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    password = _new_password()
    submit = SubmitField("Change password")


def _some(_form: Form, field: SelectMultipleField) -> None:
    if not field.data:
        raise ValidationError("Choose at least one thing that the token may do.")


class TokenForm(Form):
    name = StringField(
        "Name", [InputRequired(), Length(max=100)], description="Where you will use it."
    )
    scopes = SelectMultipleField(
        "It may",
        [_some],  # not InputRequired: a browser would ask for each of the boxes
        choices=[
            SelectChoice(Scope.READ.value, "read what you see as a student"),
            SelectChoice(Scope.SUBMIT.value, "hand in for you"),
            SelectChoice(Scope.MANAGE.value, "see and do what you may as staff"),
        ],
        default=[Scope.READ.value, Scope.SUBMIT.value],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    days = SelectField(
        "It expires",
        choices=[
            SelectChoice(30, "after 30 days"),
            SelectChoice(180, "after 180 days"),
            SelectChoice(0, "never"),
        ],
        coerce=int,
        default=180,
    )
    submit = SubmitField("Create token")
