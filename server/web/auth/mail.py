"""Mail as people meet it: which kinds they get, with a login or by a link, and a new password."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask, abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from server import outbox
from server.language import _
from server.mail import Post, Settings, set_wanted, wanted
from server.mail.switches import offered
from server.people import accounts
from server.storage.models import Kind, User
from server.web.access import public, signed_in, user
from server.web.auth import sso
from server.web.auth.forms import ForgottenForm
from server.web.auth.sessions import account_of_request, csrf, limiter
from server.web.problems import Problem
from server.web.services import services

if TYPE_CHECKING:
    from flask import Blueprint

_BETWEEN_RESETS = timedelta(minutes=5)


def install(app: Flask, settings: Settings | None) -> None:
    here = app.extensions["gradmark"]
    app.extensions["gradmark_post"] = settings and Post(
        settings, here.database, app.config["SECRET_KEY"], here.clock
    )
    app.context_processor(lambda: {"sends_mail": settings is not None})


def post() -> Post | None:
    """What sends the mail of the application that answers the current request, if it sends any."""
    found: Post | None = current_app.extensions["gradmark_post"]
    return found


def add_to(pages: Blueprint) -> None:
    both = ["GET", "POST"]
    pages.add_url_rule("/login/forgotten", view_func=forgotten, methods=both)
    pages.add_url_rule("/account/mail", view_func=change_mail, methods=["POST"])
    pages.add_url_rule("/mail/<token>", view_func=mail_switches, methods=both)
    csrf.exempt(mail_switches)  # the link is all that it takes: mail programs have no session


@limiter.limit("5 per hour", key_func=account_of_request, methods=["POST"])
@limiter.limit("60 per hour", methods=["POST"])
@public
def forgotten() -> str | tuple[str, int]:
    """A link by mail to choose a new password by. The answer says nothing about who is known."""
    if post() is None or not sso.sign_on().local_accounts:
        abort(404)
    form = ForgottenForm()
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return render_template("auth/forgotten.html", form=form, sent=False), status
    now = services().clock()
    with services().database.write() as database:
        found = accounts.find(database, form.email.data)
        if found is not None and accounts.may_reset(database, found):
            recent = outbox.waits(database, Kind.RESET, found.id, now - _BETWEEN_RESETS)
            if not recent:
                key = f"{found.id}:{now.isoformat()}"
                outbox.put(database, Kind.RESET, found.id, key, at=now)
    return render_template("auth/forgotten.html", form=form, sent=True)


@signed_in
def change_mail() -> Response:
    with services().database.write() as database:
        set_wanted(database, database.get_one(User, user().id), _chosen())
    flash(_("Saved: this is the mail that you get."))
    return redirect(url_for("auth.account", _anchor="mail"), 303)


@limiter.limit("60 per minute")
@public
def mail_switches(token: str) -> str:
    """Which mail somebody gets; a mail program's one-click request (RFC 8058) ends one kind."""
    here, saved = post(), False
    if here is None:
        raise Problem(410, _("This server sends no mail any more."))
    with services().database.write() as database:
        found = here.switches.open(database, token)
        if found is None:
            raise Problem(
                410, _("This link does not hold any more: your account page has the same.")
            )
        whose, kind = found
        if request.method == "POST":
            one_click = request.form.get("List-Unsubscribe") == "One-Click"
            kinds = wanted(database, whose) - {kind} if one_click else _chosen()
            set_wanted(database, whose, kinds)
            saved = True
        now = wanted(database, whose)
    return render_template(
        "auth/mail.html", kinds=offered(whose), wanted=now, kind=kind, saved=saved
    )


def _chosen() -> set[Kind]:
    """The kinds whose boxes are ticked in the form."""
    return {Kind(name) for name in request.form.getlist("kind") if name in list(Kind)}
