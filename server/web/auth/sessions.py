"""The libraries that keep sessions, refuse forged forms and slow down guessing."""

from __future__ import annotations

from urllib.parse import urlsplit

import flask_login
from flask import Flask, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, login_user
from flask_wtf import CSRFProtect
from sqlalchemy import select

from server.storage.models import User
from server.web import access
from server.web.services import services

csrf = CSRFProtect()
# In memory: one server process, no Redis.
limiter = Limiter(get_remote_address, storage_uri="memory://", strategy="moving-window")


def install(app: Flask) -> None:
    logins = LoginManager(app)
    logins.session_protection = None  # it ends a session when a phone changes its network
    logins.user_loader(_load)
    csrf.init_app(app)
    limiter.init_app(app)


def begin(user: User) -> None:
    """Log in, in a session that has nothing of what was before (no fixation)."""
    session.clear()
    session.permanent = True
    login_user(user)


def local(target: str | None) -> str | None:
    """The address when it is one of ours, else None: nobody is sent elsewhere after a login."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    clean = target.isprintable() and "\\" not in target
    return target if clean and not parts.scheme and not parts.netloc else None


def account_of_request() -> str:
    """For limits: the account that a login form names, whoever sends it."""
    return "login:" + request.form.get("email", "").strip().lower()[:254]


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


def _load(key: str) -> User | None:
    with services().database.read() as database:
        return database.scalar(
            select(User).where(User.session_key == key, User.disabled.is_(False))
        )
