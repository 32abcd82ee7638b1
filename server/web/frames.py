"""Pages inside a course system's frame: who may hold them, and cookies that are kept there.

Only a session that began by a launch into a frame has any of this; all others keep the strict
headers and cookies.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Request, g, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from sqlalchemy.exc import DBAPIError

from server.storage.models import Platform
from server.web.services import services

_BY = "framed_by"  # in a session: the number of the platform in whose frame it lives


class Sessions(SecureCookieSessionInterface):
    """In a frame of another site, browsers keep a cookie only with these three."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        opened = super().open_session(app, request)
        g.framed = opened is not None and _BY in opened
        return opened

    def get_cookie_samesite(self, app: Flask) -> str | None:
        return "None" if _is_framed() else super().get_cookie_samesite(app)

    def get_cookie_secure(self, app: Flask) -> bool:
        return _is_framed() or super().get_cookie_secure(app)

    def get_cookie_partitioned(self, app: Flask) -> bool:
        return _is_framed() or super().get_cookie_partitioned(app)


def _is_framed() -> bool:
    return _BY in session or bool(g.get("framed"))  # also where the session has just ended


def begin(platform: Platform) -> None:
    """This session lives in the platform's frame."""
    session[_BY] = platform.id


def allow(origins: Sequence[str]) -> None:
    """This answer may be in a frame of these origins."""
    g.frames = list(origins)


def allowed() -> list[str]:
    """The origins in whose frames the answer may be."""
    if (said := g.get("frames")) is not None:
        return list(said)
    number = session.get(_BY)
    if number is None:
        return []
    try:
        with services().database.ask() as database:
            platform = database.get(Platform, number)
    except DBAPIError:  # which the page that is being sent may be telling of
        return []
    return [] if platform is None else list(platform.frames)
