"""The account pages."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

import flask_login
from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from server.language import LANGUAGES, N_, _
from server.mail.switches import offered, wanted
from server.people import accounts, identities, tokens
from server.people.accounts import AccountError
from server.storage.models import ApiToken, Identity, Scope, User
from server.web.access import public, signed_in, user
from server.web.auth import mail, sso
from server.web.auth.forms import InvitationForm, LoginForm, PasswordForm, TokenForm
from server.web.auth.sessions import (
    account_and_origin,
    account_of_request,
    begin,
    known_browser,
    limiter,
    local,
)
from server.web.problems import Problem
from server.web.services import services

Answer: TypeAlias = str | Response | tuple[str, int]

_NO_PASSWORDS = N_("Passwords are switched off on this server: log in by a provider.")

pages = Blueprint("auth", __name__)
sso.add_to(pages)
mail.add_to(pages)


def _failed(response: Response) -> bool:
    return response.status_code != 303


# Only what fails counts: a class behind one address may log in at once.
@pages.route("/login", methods=["GET", "POST"])
@limiter.limit(
    "10 per minute; 50 per hour",
    key_func=account_and_origin,
    methods=["POST"],
    deduct_when=_failed,
)
# From however many addresses; whoever has logged in from this browser before is not locked out.
@limiter.limit(
    "300 per hour",
    key_func=account_of_request,
    methods=["POST"],
    deduct_when=_failed,
    exempt_when=known_browser,
)
@limiter.limit("200 per minute", methods=["POST"], deduct_when=_failed)
@public
def login() -> Answer:
    target = local(request.args.get("next"))
    if flask_login.current_user.is_authenticated:
        return redirect(target or url_for("student.home"), 303)
    form = LoginForm()
    if form.is_submitted() and not sso.sign_on().local_accounts:
        raise Problem(403, _(_NO_PASSWORDS))
    if not form.validate_on_submit():
        return _login(form, target), 422 if form.is_submitted() else 200
    with services().database.read() as database:
        found = accounts.find(database, form.email.data)
    if not accounts.check_password(found, form.password.data) or found is None:
        form.password.errors = [_("The e-mail address or the password is not right.")]
        return _login(form, target), 422
    begin(found)
    return redirect(target or url_for("student.home"), 303)


def _login(form: LoginForm, target: str | None) -> str:
    return render_template("auth/login.html", form=form, sign_on=sso.sign_on(), target=target)


@pages.post("/logout")
@signed_in
def logout() -> Answer:
    flask_login.logout_user()
    session.clear()
    return redirect(url_for(".login"), 303)


@pages.route("/invitations/<token>", methods=["GET", "POST"])
@limiter.limit("60 per minute")
@public
def invitation(token: str) -> Answer:
    """Choose a password, by a link that an instructor has passed on."""
    if not sso.sign_on().local_accounts:
        raise Problem(403, _(_NO_PASSWORDS))
    now = services().clock()
    with services().database.read() as database:
        found = accounts.invitation(database, token, now)
        if found is None:
            return render_template("auth/no_invitation.html"), 410
        invited = found.user
    form = InvitationForm(obj=None, name=invited.name)
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return render_template("auth/invitation.html", form=form, invited=invited), status
    with services().database.write() as database:
        found = accounts.invitation(database, token, now)
        if found is None:
            return render_template("auth/no_invitation.html"), 410
        found.user.name = form.name.data.strip()
        accounts.set_password(database, found.user, form.password.data, at=now)
        invited = found.user
    begin(invited)
    return redirect(url_for("student.home"), 303)


@pages.route("/account", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"], deduct_when=_failed)
@signed_in
def account() -> Answer:
    """The password, and the tokens."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _account(form, TokenForm()), 422 if form.is_submitted() else 200
    if not accounts.check_password(user(), form.current.data):
        form.current.errors = [_("This is not your current password.")]
        return _account(form, TokenForm()), 422
    with services().database.write() as database:
        changed = database.get_one(User, user().id)
        accounts.set_password(database, changed, form.password.data, at=services().clock())
    begin(changed)
    flash(
        _(
            "Your password is changed. You are logged out everywhere else, your API tokens are "
            "revoked."
        )
    )
    return redirect(url_for(".account"), 303)


@pages.post("/account/language")
@signed_in
def change_language() -> Answer:
    """That of the pages; "" is the browser's."""
    chosen = request.form.get("language", "")
    with services().database.write() as database:
        own = database.get_one(User, user().id)
        own.language = chosen if chosen in LANGUAGES else ""
    return redirect(url_for(".account", _anchor="language"), 303)


@pages.post("/account/tokens")
@signed_in
def create_token() -> Answer:
    form = TokenForm()
    if not form.validate_on_submit():
        return _account(PasswordForm(formdata=None), form), 422
    now = services().clock()
    days = form.days.data
    with services().database.write() as database:
        token = tokens.issue(
            database,
            database.get_one(User, user().id),
            form.name.data.strip(),
            [Scope(scope) for scope in form.scopes.data],
            at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
    # Not by a redirect: it would have to be kept somewhere to be shown.
    return _account(PasswordForm(formdata=None), TokenForm(formdata=None), token)


@pages.post("/account/tokens/<int:token>/revoke")
@signed_in
def revoke_token(token: int) -> Answer:
    with services().database.write() as database:
        if not tokens.revoke(database, user(), token, at=services().clock()):
            abort(404)
    flash(_("The token is revoked."))
    return redirect(url_for(".account"), 303)


@pages.post("/account/identities/<int:identity>/unlink")
@signed_in
def unlink(identity: int) -> Answer:
    try:
        with services().database.write() as database:
            own = database.get_one(User, user().id)
            if not identities.unlink(database, own, identity, at=services().clock()):
                abort(404)
    except AccountError as error:
        flash(str(error))
    else:
        flash(_("That login no longer opens your account."))
    return redirect(url_for(".account"), 303)


def _account(form: PasswordForm, token_form: TokenForm, created: str | None = None) -> str:
    with services().database.read() as database:
        own = database.scalars(
            select(ApiToken)
            .where(ApiToken.user_id == user().id, ApiToken.revoked_at.is_(None))
            .order_by(ApiToken.id)
        ).all()
        linked = database.scalars(
            select(Identity).where(Identity.user_id == user().id).order_by(Identity.id)
        ).all()
        mail_wanted = wanted(database, user())
    return render_template(
        "auth/account.html",
        mail_kinds=offered(user()),
        mail_wanted=mail_wanted,
        form=form,
        token_form=token_form,
        tokens=own,
        identities=linked,
        sign_on=sso.sign_on(),
        created=created,
        now=services().clock(),
    )
