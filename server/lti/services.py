"""What a platform offers by name and password of the tool: its roster, its columns of grades."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from server.clock import Clock, utc_now
from server.lti import LtiError, http, keys
from server.lti.platforms import origin
from server.storage.database import Database
from server.storage.models import Platform

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES = (SCORE, MEMBERS, "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem")
_MEMBER_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
_SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
_MOST_PAGES = 100
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_tokens: dict[tuple[str, str], tuple[float, str]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Member:
    subject: str
    name: str
    email: str
    roles: tuple[str, ...]


class Client:
    """Asks a platform in this server's name."""

    def __init__(self, database: Database, platform: Platform, clock: Clock = utc_now) -> None:
        self._database = database
        self._platform = platform
        self._clock = clock

    def members(self, url: str) -> Iterator[Member]:
        """Who is in the platform's course now; who is inactive there is not.

        Raises:
            LtiError: it cannot be read; one page is missing, and all is.
        """
        first, next_ = url, url
        for _ in range(_MOST_PAGES):
            body, headers = self._ask("GET", next_, MEMBERS, {"Accept": _MEMBER_TYPE})
            answer = http.as_json(body)
            listed = answer.get("members") if isinstance(answer, dict) else None
            if not isinstance(listed, list):
                raise LtiError("The course system's list of people cannot be read.", "members")
            for entry in listed:
                if (found := _member(entry)) is not None:
                    yield found
            link = re.search(r'<([^>]+)>\s*;[^,]*\brel="?next"?', headers.get("link", ""))
            if link is None:
                return
            next_ = urljoin(next_, link[1])
            if origin(next_) != origin(first):
                raise LtiError("The course system's list leads elsewhere.", "next page")
        raise LtiError("The course system's list of people does not end.", "pages")

    def score(
        self, lineitem: str, subject: str, points: float | None, most: float, at: datetime
    ) -> None:
        """Write somebody's grade; None takes it back.

        Args:
            at: rises with each that is sent: an older one is refused.
        """
        score: dict[str, Any] = {
            "userId": subject,
            "timestamp": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "activityProgress": "Initialized" if points is None else "Completed",
            "gradingProgress": "NotReady" if points is None else "FullyGraded",
        }
        if points is not None:
            score |= {"scoreGiven": points, "scoreMaximum": most}
        parts = urlsplit(lineitem)
        # Before whatever stands behind the question mark.
        url = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/scores"))
        body = json.dumps(score).encode()
        self._ask("POST", url, SCORE, {"Content-Type": _SCORE_TYPE}, body)

    def _ask(
        self, method: str, url: str, scope: str, headers: dict[str, str], content: bytes = b""
    ) -> tuple[bytes, Any]:
        def once() -> tuple[bytes, Any]:
            bearer = {"Authorization": f"Bearer {self._token(scope)}"}
            return http.ask(method, url, headers={**headers, **bearer}, content=content or None)

        return self._with_fresh_token(once, scope)

    def _with_fresh_token(
        self, once: Callable[[], tuple[bytes, Any]], scope: str
    ) -> tuple[bytes, Any]:
        try:
            return once()
        except http.Refusal as refusal:
            if refusal.status != 401:
                raise
        with _lock:
            _tokens.pop((self._platform.key, scope), None)
        return once()

    def _token(self, scope: str) -> str:
        """An access token (RFC 7523: this server proves itself by what it signs)."""
        key = (self._platform.key, scope)
        with _lock:
            known = _tokens.get(key)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        now = self._clock()
        with self._database.write() as session:
            signing = keys.signing(session, now)
        issued = int(now.timestamp())
        assertion = keys.sign(
            signing,
            {
                "iss": self._platform.client_id,
                "sub": self._platform.client_id,
                "aud": self._platform.token_audience or self._platform.token_url,
                "iat": issued,
                "exp": issued + 300,
                "jti": secrets.token_hex(16),
            },
        )
        body, _ = http.ask(
            "POST",
            self._platform.token_url,
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION,
                "client_assertion": assertion,
                "scope": scope,
            },
        )
        answer = http.as_json(body)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise LtiError("The course system gives no access token.", "no token")
        lasts = answer.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | float) else 3600.0
        with _lock:
            _tokens[key] = (time.monotonic() + max(0.0, seconds - 60), token)
        return token


def _member(entry: Any) -> Member | None:
    if not isinstance(entry, dict) or entry.get("status", "Active") != "Active":
        return None
    texts = {k: v if isinstance(v := entry.get(k), str) and v.isprintable() else "" for k in _TEXTS}
    name = texts["name"] or f"{texts['given_name']} {texts['family_name']}".strip()
    roles = entry.get("roles")
    named = tuple(r for r in roles if isinstance(r, str)) if isinstance(roles, list) else ()
    return Member(texts["user_id"], name, texts["email"], named)


_TEXTS = ("user_id", "name", "given_name", "family_name", "email")
