"""The forms of the account pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
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
        _("E-mail"), [InputRequired(), Length(max=254)], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        _("Password"),
        [InputRequired(), Length(max=_LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    submit = SubmitField(_("Log in"))


def _new_password() -> PasswordField:
    return PasswordField(
        _("New password"),
        [
            InputRequired(),
            Length(
                SHORTEST_PASSWORD,
                _LONGEST_PASSWORD,
                _(
                    "A password has from %(least)s to %(most)s characters.",
                    least=SHORTEST_PASSWORD,
                    most=_LONGEST_PASSWORD,
                ),
            ),
        ],
        description=_(
            "At least %(least)s characters. Length counts, symbols do not.", least=SHORTEST_PASSWORD
        ),
        render_kw={"autocomplete": "new-password", "minlength": SHORTEST_PASSWORD},
    )


class ForgottenForm(Form):
    email = EmailField(
        _("E-mail"), [InputRequired(), Length(max=254)], render_kw={"autocomplete": "username"}
    )
    submit = SubmitField(_("Send me a link"))


class InvitationForm(Form):
    name = StringField(
        _("Your name"), [InputRequired(), Length(max=200)], render_kw={"autocomplete": "name"}
    )
    password = _new_password()
    submit = SubmitField(_("Set password and log in"))


class PasswordForm(Form):
    current = PasswordField(
        _("Current password"),
        [InputRequired(), Length(max=_LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    password = _new_password()
    submit = SubmitField(_("Change password"))


def _some(_form: Form, field: SelectMultipleField) -> None:
    if not field.data:
        raise ValidationError(_("Choose at least one thing that the token may do."))


class TokenForm(Form):
    name = StringField(
        _("Name"), [InputRequired(), Length(max=100)], description=_("Where you will use it.")
    )
    scopes = SelectMultipleField(
        _("It may"),
        [_some],  # not InputRequired: a browser would ask for each of the boxes
        choices=[
            SelectChoice(Scope.READ.value, _("read what you see as a student")),
            SelectChoice(Scope.SUBMIT.value, _("hand in for you")),
            SelectChoice(Scope.MANAGE.value, _("see and do what you may as staff")),
        ],
        default=[Scope.READ.value, Scope.SUBMIT.value],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    days = SelectField(
        _("It expires"),
        choices=[
            SelectChoice(30, _("after 30 days")),
            SelectChoice(180, _("after 180 days")),
            SelectChoice(0, _("never")),
        ],
        coerce=int,
        default=180,
    )
    submit = SubmitField(_("Create token"))
