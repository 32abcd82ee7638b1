"""Who the token's user is, and tokens for those whom a JupyterHub knows."""

from __future__ import annotations

import logging
from typing import Any

from server.people import hubs, identities, tokens
from server.people.accounts import AccountError
from server.people.providers import Provider
from server.storage.models import Scope
from server.web.access import public, signed_in, token, user
from server.web.api import schemas
from server.web.api.blueprint import by_token, pages, refusing
from server.web.auth import sso
from server.web.problems import Problem
from server.web.services import services

log = logging.getLogger(__name__)


@pages.get("/me")
@by_token(Scope.READ)
@signed_in
@pages.response(200, schemas.Me)
def me() -> dict[str, Any]:
    """Who the token's user is, and what the token may"""
    here = user()
    return {
        "id": here.id,
        "name": here.name,
        "email": here.email,
        "is_admin": here.is_admin,
        "token": token(),
    }


@pages.post("/tokens")
@public
@refusing(400, 403, 422, 429, 502)
@pages.arguments(schemas.HubToken)
@pages.response(201, schemas.LentToken)
def lend(sent: dict[str, Any]) -> dict[str, Any]:
    """A token for two hours, for whom a JupyterHub knows

    For notebooks: the hub is asked whose `JUPYTERHUB_API_TOKEN` was sent. The new token may read
    and hand in.
    """
    hub = _hub(sent["hub"])
    try:
        claims = hubs.claims(hub, sent["token"])
        now = services().clock()
        with services().database.write() as session:
            known = identities.sign_in(session, hub, claims, now)
            lent, ends = tokens.lend(session, known, hub.title, at=now)
    except hubs.HubAway as error:
        raise Problem(502, str(error)) from None
    except (hubs.HubError, AccountError) as error:
        log.warning("a token of %s refused: %s", hub.name, type(error).__name__)
        raise Problem(403, str(error)) from None
    return {"token": lent, "expires_at": ends}


def _hub(name: str) -> Provider:
    known = sso.sign_on().hubs
    if not known:
        raise Problem(
            422, "No JupyterHub is known to this server: make a token on your account page."
        )
    if name in known:
        return known[name]
    if name:
        raise Problem(422, f"There is no hub {name!r}: there is {', '.join(known)}.")
    if len(known) > 1:
        raise Problem(422, f"Say which hub: {', '.join(known)}.")
    (only,) = known.values()
    return only
