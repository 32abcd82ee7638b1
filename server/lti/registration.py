"""Dynamic registration: a platform and this server exchange what the other has to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from server.lti import LtiError, http, platforms
from server.lti.launch import DEEP_LINKING, RESOURCE
from server.lti.platforms import origin
from server.lti.services import SCOPES
from server.storage.models import Platform, User

_TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
_PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
_CLAIMS = ["iss", "sub", "name", "given_name", "family_name", "email"]


def fetch(url: str) -> dict[str, Any]:
    """What the platform says of itself.

    Raises:
        LtiError: it cannot be read.
    """
    said = http.get_json(url, "application/json")
    if not isinstance(said, dict):
        raise LtiError("What the course system says of itself cannot be read.", "configuration")
    needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    for name in (*needed, "registration_endpoint"):
        if not isinstance(said.get(name), str):
            raise LtiError(f"The course system does not say its {name}.", "configuration")
    return said


def exchange(said: Mapping[str, Any], tool: Mapping[str, str], token: str) -> dict[str, Any]:
    """Register there; what the platform answers.

    Args:
        tool: this server's addresses: home, login, launch, jwks.
        token: the platform's, by which it knows that it asked for this; may be "".
    """
    body = json.dumps(client(tool)).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    answer = http.as_json(
        http.ask("POST", str(said["registration_endpoint"]), headers=headers, content=body)[0]
    )
    if not isinstance(answer, dict) or not isinstance(answer.get("client_id"), str | int):
        raise LtiError("The course system gives no client id.", "registration")
    return answer


def keep(
    session: Session,
    said: Mapping[str, Any],
    answer: Mapping[str, Any],
    url: str,
    *,
    at: datetime,
    actor: User,
) -> Platform:
    about = said.get(_PLATFORM)
    family = about.get("product_family_code") if isinstance(about, Mapping) else None
    given = answer.get(_TOOL)
    deployment = given.get("deployment_id") if isinstance(given, Mapping) else None
    audience = said.get("authorization_server")
    host = urlsplit(url).hostname or ""
    return platforms.register(
        session,
        title=f"{family} at {host}" if isinstance(family, str) else host,
        issuer=said["issuer"],
        client_id=str(answer["client_id"]),
        authorization_url=said["authorization_endpoint"],
        token_url=said["token_endpoint"],
        jwks_url=said["jwks_uri"],
        token_audience=audience if isinstance(audience, str) else "",
        frames=[origin(url)] if "." in host else [],
        deployments=[str(deployment)] if isinstance(deployment, str | int) else [],
        at=at,
        actor=actor,
    )


def client(tool: Mapping[str, str]) -> dict[str, Any]:
    """This server as a client of OpenID Connect, and as a tool."""
    messages = [
        {"type": RESOURCE, "target_link_uri": tool["launch"], "label": "Gradmark"},
        {
            "type": DEEP_LINKING,
            "target_link_uri": tool["launch"],
            "label": "Gradmark assignments",
        },
    ]
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": tool["login"],
        "redirect_uris": [tool["launch"]],
        "client_name": "Gradmark",
        "jwks_uri": tool["jwks"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(SCOPES),
        _TOOL: {
            "domain": urlsplit(tool["home"]).netloc,
            "target_link_uri": tool["launch"],
            "description": "Autograded deep-learning exercises",
            "claims": _CLAIMS,
            "messages": messages,
        },
    }


def canvas(tool: Mapping[str, str]) -> dict[str, Any]:
    """The same as Canvas's form for a developer key takes it (*Enter URL*)."""
    placements = [
        {
            "placement": place,
            "message_type": DEEP_LINKING,
            "target_link_uri": tool["launch"],
            "text": "Gradmark",
        }
        for place in ("assignment_selection", "link_selection")
    ]
    placements.append(
        {
            "placement": "course_navigation",
            "message_type": RESOURCE,
            "target_link_uri": tool["launch"],
            "text": "Gradmark",
        }
    )
    return {
        "title": "Gradmark",
        "description": "Autograded deep-learning exercises",
        "oidc_initiation_url": tool["login"],
        "target_link_uri": tool["launch"],
        "public_jwk_url": tool["jwks"],
        "scopes": list(SCOPES),
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": urlsplit(tool["home"]).netloc,
                "privacy_level": "public",
                "settings": {"platform": "canvas.instructure.com", "placements": placements},
            }
        ],
    }
