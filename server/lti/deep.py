"""Deep linking 2.0: links to assignments, as a platform puts them into its course."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from server.lti import keys
from server.storage.models import Assignment, LtiKey, Platform

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
_DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/"


def answer(
    key: LtiKey,
    platform: Platform,
    deployment: str,
    settings: Mapping[str, Any],
    chosen: Sequence[Assignment],
    launch: str,
    at: datetime,
) -> str:
    """The signed message that brings links to the chosen assignments, each with its column.

    Args:
        settings: of the request that is answered.
        launch: the address that the links lead to.
    """
    now = int(at.timestamp())
    claims: dict[str, Any] = {
        "iss": platform.client_id,
        "aud": [platform.issuer],
        "iat": now,
        "exp": now + 600,
        "nonce": secrets.token_hex(16),
        f"{_CLAIM}deployment_id": deployment,
        f"{_CLAIM}message_type": "LtiDeepLinkingResponse",
        f"{_CLAIM}version": "1.3.0",
        f"{_DEEP}content_items": [
            {
                "type": "ltiResourceLink",
                "title": assignment.title,
                "url": launch,
                "custom": {"assignment": assignment.slug},
                "lineItem": {
                    "label": assignment.title,
                    "scoreMaximum": assignment.points,
                    "resourceId": assignment.slug,
                },
                "available": {"startDateTime": assignment.opens_at.isoformat()},
                "submission": {"endDateTime": assignment.due_at.isoformat()},
            }
            for assignment in chosen
        ],
    }
    if "data" in settings:
        claims[f"{_DEEP}data"] = settings["data"]
    return keys.sign(key, claims)
