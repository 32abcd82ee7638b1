"""Who sends a request to the API: its token says it, never a browser's session."""

from __future__ import annotations

from flask import request
from werkzeug.datastructures import WWWAuthenticate

from server.people import tokens
from server.storage.database import forgiving
from server.storage.models import ApiToken, Scope
from server.web.problems import Problem
from server.web.services import services

_CHALLENGE = WWWAuthenticate("bearer", {"realm": "gradmark"})


def identify(scope: Scope) -> ApiToken:
    """The token of the request, with its user; refused where there is none that holds, or where
    it is not for this.

    Raises:
        Problem: 401 or 403.
    """
    sent = request.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        raise Problem(
            401,
            "Send an API token as `Authorization: Bearer TOKEN`: your account page makes one.",
            challenge=_CHALLENGE,
        )
    now = services().clock()
    with services().database.ask() as session:
        found = tokens.find(session, sent.token, now)
    if found is None:
        raise Problem(
            401,
            "This token is not valid: it is revoked, expired or mistyped.",
            challenge=_CHALLENGE,
        )
    if scope not in found.scopes:
        raise Problem(403, f"This token may not do this: it lacks the scope {scope.value!r}.")
    if not tokens.seen_lately(found, now):
        with forgiving("no use of a token is noted"), services().database.touch() as session:
            tokens.note_use(session, found, now)
    return found
