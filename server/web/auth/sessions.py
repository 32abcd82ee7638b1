"""The libraries that keep sessions, refuse forged forms and slow down guessing."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import flask_login
from flask import Flask, Response, after_this_request, current_app, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, login_user
from flask_wtf import CSRFProtect
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import bindparam, select

from server.storage.models import User
from server.web import access, limits
from server.web.services import services

_BROWSER = "gradmark_browser"

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, strategy="moving-window")


def install(app: Flask) -> None:
    logins = LoginManager(app)
    logins.session_protection = None  # it ends a session when a phone changes its network
    logins.user_loader(_load)
    csrf.init_app(app)
    # In memory where one process serves, in the database where several may.
    database = app.extensions["gradmark"].database
    if database.is_embedded:
        app.config["RATELIMIT_STORAGE_URI"] = "memory://"
    else:
        app.config["RATELIMIT_STORAGE_URI"] = f"{limits.SCHEME}://"
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {"database": database}
    limiter.init_app(app)


def begin(user: User) -> None:
    """Log in, in a session that has nothing of what was before (no fixation)."""
    session.clear()
    session.permanent = True
    login_user(user)
    after_this_request(partial(_remember, user.email))


def _remember(email: str, response: Response) -> Response:
    """Let this browser be told from others that try to guess the password."""
    known = _browsers().dumps([email, _browser(email) or secrets.token_hex(8)])
    response.set_cookie(
        _BROWSER,
        known,
        max_age=timedelta(days=365),
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
        path="/login",
    )
    return response


def _browsers() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="browsers that have logged in")


def _browser(email: str) -> str:
    """What this browser is called, if somebody has logged in to the account from it; else ""."""
    try:
        known, name = _browsers().loads(request.cookies.get(_BROWSER, ""))
    except (BadSignature, TypeError, ValueError):
        return ""
    return str(name) if known == email else ""


def local(target: str | None) -> str | None:
    """The address when it is one of ours, else None: nobody is sent elsewhere after a login."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    clean = target.isprintable() and "\\" not in target
    return target if clean and not parts.scheme and not parts.netloc else None


def account_of_request() -> str:
    """For limits: the account that a login form names, whoever sends it."""
    return "login:" + _named()


def account_and_origin() -> str:
    """For limits: the same from one place, a browser that is known or else an address, so that
    nobody locks out the account's owner."""
    return f"login:{_named()}:{_browser(_named()) or get_remote_address()}"


def known_browser() -> bool:
    return bool(_browser(_named()))


def _named() -> str:
    return request.form.get("email", "").strip().lower()[:254]


def whoever_asks() -> str:
    """For limits: the user, wherever they are and by whichever token; the address of those who
    have not logged in."""
    sent = access.token()
    asks = flask_login.current_user if sent is None else sent.user
    return f"user:{asks.id}" if asks.is_authenticated else get_remote_address()


# Somebody who hands in by hand needs a few: this only stops a program that has gone wrong.
hand_ins = limiter.shared_limit(
    "30 per minute; 300 per hour", scope="hand in", key_func=whoever_asks
)
# The page looks at every file that is chosen: that must not keep anybody from handing it in.
looks = limiter.shared_limit("30 per minute; 600 per hour", scope="look", key_func=whoever_asks)
# Graders run what is checked: nobody is to keep them busy by that alone.
checks = limiter.shared_limit("5 per minute; 30 per hour", scope="check", key_func=whoever_asks)
# A team's code is not to be guessed.
joins = limiter.shared_limit("30 per hour", scope="join", key_func=whoever_asks)


_OF_SESSION = select(User).where(User.session_key == bindparam("key"), User.disabled.is_(False))


def _load(key: str) -> User | None:
    with services().database.ask() as database:
        return database.scalar(_OF_SESSION, {"key": key})
