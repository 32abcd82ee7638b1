"""Who in a JupyterHub is this? Asked of the hub, by a token that it gave out itself.

A hub says of a token whose it is and what it may (`GET /hub/api/user`). A token is taken here only
if it may use this server, which is one of the hub's services: what a notebook was given for
something else opens nothing.
"""

from __future__ import annotations

from typing import Any

import httpx

from server.people.providers import Provider

_PATIENCE = 10  # seconds
_LONGEST_TOKEN = 500


class HubError(Exception):
    """The hub does not vouch for anybody; the message is one sentence."""


class HubAway(HubError):
    """It does not answer."""


def claims(hub: Provider, token: str) -> dict[str, Any]:
    """Whom the token stands for, in the terms of OpenID Connect.

    Raises:
        HubError: for nobody who may come here.
    """
    if not 0 < len(token) <= _LONGEST_TOKEN or not token.isascii() or not token.isprintable():
        raise HubError("This is no token of a hub.")
    try:
        answer = httpx.get(
            f"{hub.issuer.rstrip('/')}/api/user",
            headers={"Authorization": f"token {token}"},
            timeout=_PATIENCE,
        )
        said = answer.json() if answer.is_success else None
    except (httpx.HTTPError, ValueError):
        raise HubAway(f"{hub.title} cannot be reached just now.") from None
    if answer.is_server_error:
        raise HubAway(f"{hub.title} cannot be reached just now.")
    if not isinstance(said, dict) or said.get("kind") != "user":
        raise HubError(f"{hub.title} does not know this token, or it is no person's.")
    name, scopes = said.get("name"), said.get("scopes")
    if not isinstance(name, str) or not name.isprintable() or not isinstance(scopes, list):
        raise HubError(f"{hub.title} does not say whose token this is.")
    service = hub.client_id.removeprefix("service-")  # as a hub names its services' clients
    if not {"access:services", f"access:services!service={service}"} & set(map(str, scopes)):
        raise HubError(
            f"The token is not for this server: it lacks {hub.title}'s scope "
            f"access:services!service={service}."
        )
    found: dict[str, Any] = {"sub": name, "name": name, "groups": said.get("groups", [])}
    if hub.names_are_addresses:
        found |= {"email": name, "email_verified": True, "name": ""}
    return found
