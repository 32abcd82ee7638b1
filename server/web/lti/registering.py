"""Dynamic registration: a platform opens this with an address that an administrator has made."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template, request
from sqlalchemy import select

from server.language import _
from server.lti import LtiError, keys, registration
from server.lti.platforms import origin
from server.people.providers import is_safe
from server.storage.models import User
from server.web import frames
from server.web.access import public
from server.web.auth.sessions import limiter
from server.web.lti.blueprint import addresses, pages, refuse, unsigned
from server.web.services import services

_LASTS = 24 * 3600  # seconds
_LONGEST = 8000


@pages.get("/register/<token>")
@limiter.limit("20 per minute")
@public
def register(token: str) -> str:
    url = request.args.get("openid_configuration", "")[:2000]
    now = services().clock()
    try:
        by = unsigned("registration", token, _LASTS)
        if not is_safe(url):
            raise LtiError(
                _("Open this from your course system's page for registering tools."),
                "configuration",
            )
        with services().database.write() as session:
            actor = session.scalar(
                select(User).where(User.session_key == by, User.is_admin, User.disabled.is_(False))
            )
            until = now + timedelta(seconds=_LASTS)
            if actor is None or not keys.use_once(session, token, at=now, until=until):
                raise LtiError(_("This address was used before: make a new one."), "used")
            keys.signing(session, now)  # the platform may ask for it at once
        said = registration.fetch(url)
        theirs = request.args.get("registration_token", "")[:_LONGEST]
        answer = registration.exchange(said, addresses(), theirs)
        with services().database.write() as session:
            actor = session.get_one(User, actor.id)
            platform = registration.keep(session, said, answer, url, at=now, actor=actor)
        there = origin(url)
    except LtiError as error:
        refuse("registration", error)
    frames.allow([*platform.frames, there])
    return render_template("lti/registered.html", platform=platform, origin=there)
