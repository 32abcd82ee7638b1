"""A launch: whether the message that it brings holds, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from server.lti import LtiError, keys, platforms
from server.people import identities
from server.storage.models import Platform, Role

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
_DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/"
_AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
_NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
_LEEWAY = 60  # seconds between two clocks
_OLDEST = 3600  # seconds since a message was made
_LONGEST = 255  # characters of an identifier

_READ = (
    *("sub", "email", "name", "given_name", "family_name", _AGS, _NRPS),
    *(
        f"{_CLAIM}{name}"
        for name in ("deployment_id", "message_type", "context", "roles", "custom", "resource_link")
    ),
    f"{_DEEP}deep_linking_settings",
)
RESOURCE, DEEP_LINKING = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"


@dataclass(frozen=True)
class Launch:
    """What a message that holds says."""

    platform_id: int
    claims: Mapping[str, Any]

    def kept(self) -> dict[str, Any]:
        """Of the claims, what is read later on."""
        return {name: self.claims[name] for name in _READ if name in self.claims}

    @property
    def subject(self) -> str:
        return str(self.claims["sub"])

    @property
    def deployment(self) -> str:
        return str(self.claims[f"{_CLAIM}deployment_id"])

    @property
    def is_deep_linking(self) -> bool:
        return bool(self.claims[f"{_CLAIM}message_type"] == DEEP_LINKING)

    @property
    def context(self) -> Mapping[str, Any]:
        return _table(self.claims, f"{_CLAIM}context")

    @property
    def role(self) -> Role | None:
        """What the person is in the platform's course; None for an observer or a stranger."""
        roles = self.claims.get(f"{_CLAIM}roles")
        return role_of(roles if isinstance(roles, list) else [])

    @property
    def assignment(self) -> str:
        """The slug that the link was made with."""
        found = _table(self.claims, f"{_CLAIM}custom").get("assignment", "")
        return found if isinstance(found, str) else ""

    @property
    def resource_link(self) -> str:
        return _text(_table(self.claims, f"{_CLAIM}resource_link"), "id")

    @property
    def lineitem(self) -> str:
        return _text(_table(self.claims, _AGS), "lineitem", 1000)

    @property
    def memberships(self) -> str:
        return _text(_table(self.claims, _NRPS), "context_memberships_url", 1000)

    @property
    def deep_linking(self) -> Mapping[str, Any]:
        return _table(self.claims, f"{_DEEP}deep_linking_settings")

    @property
    def email(self) -> str:
        return _text(self.claims, "email")

    @property
    def name(self) -> str:
        parts = [_text(self.claims, key) for key in ("given_name", "family_name")]
        return _text(self.claims, "name") or " ".join(part for part in parts if part)


def check(
    session: Session,
    platform: Platform,
    claims: Mapping[str, Any],
    nonce: str,
    *,
    tool: str,
    at: datetime,
) -> Launch:
    """What the message says, once all of it holds: Security Framework 1.0, section 5.1.3, and LTI
    Core 1.3, section 5.3.

    Args:
        claims: of the token, whose signature is the platform's (`keys.verified`).
        nonce: what was asked with.
        tool: the address of this server, within which every target must be.

    Raises:
        LtiError: it does not hold, or has come before.
    """
    _hold(identities.is_text(claims), "no text")
    now = at.timestamp()
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    azp = claims.get("azp")
    _hold(claims.get("iss") == platform.issuer, "issuer")
    _hold(platform.client_id in audiences, "audience")
    _hold(azp == platform.client_id or (azp is None and len(audiences) == 1), "authorised party")
    issued, expires = _number(claims, "iat"), _number(claims, "exp")
    _hold(now - _OLDEST < issued <= now + _LEEWAY, "issue time", _OLD)
    _hold(expires > now - _LEEWAY, "expired", _OLD)
    _hold(claims.get("nonce") == nonce, "nonce")
    _hold(claims.get(f"{_CLAIM}version") == "1.3.0", "version")
    kind = claims.get(f"{_CLAIM}message_type")
    _hold(kind in (RESOURCE, DEEP_LINKING), "message type")
    target = claims.get(f"{_CLAIM}target_link_uri", tool if kind == DEEP_LINKING else "")
    _hold(isinstance(target, str) and target.startswith(tool), "target")
    _hold(bool(_text(claims, "sub")), "no subject", "This launch does not say who you are.")
    deployment = claims.get(f"{_CLAIM}deployment_id")
    _hold(isinstance(deployment, str) and 0 < len(deployment) <= _LONGEST, "no deployment")
    if kind == RESOURCE:
        _hold(bool(_text(_table(claims, f"{_CLAIM}resource_link"), "id")), "no resource link")
    else:
        settings = _table(claims, f"{_DEEP}deep_linking_settings")
        _hold("ltiResourceLink" in settings.get("accept_types", ()), "no links accepted")
        _hold(bool(_text(settings, "deep_link_return_url", 2000)), "no return address")
    until = at + timedelta(seconds=_OLDEST + 2 * _LEEWAY)
    _hold(
        keys.use_once(session, f"nonce {platform.id} {nonce}", at=at, until=until),
        "replayed",
        _OLD,
    )
    return Launch(platform.id, claims)


def check_deployment(session: Session, platform: Platform, launch: Launch, at: datetime) -> bool:
    """Whether it comes from where the tool may be used; written down where it does not."""
    return platforms.is_allowed(session, platform, launch.deployment, at)


_OLD = "This launch was used before or is too old: open the link in your course again."


def _hold(holds: bool, what: str, sentence: str = "") -> None:
    if not holds:
        raise LtiError(
            sentence or "This launch is not one for this server: open the link in your course.",
            what,
        )


def role_of(roles: list[Any]) -> Role | None:
    """By the roles within a course (LTI Core 1.3, A.2.3); short names are of LTI 1.1, which some
    platforms still write."""
    names = set()
    for role in roles:
        if isinstance(role, str):
            path, _, name = role.rpartition("#")
            if not path or "/membership" in path:
                names.add(name)
    if "TeachingAssistant" in names:
        return Role.ASSISTANT
    if names & {"Instructor", "ContentDeveloper"}:
        return Role.INSTRUCTOR
    return Role.STUDENT if "Learner" in names else None


def _table(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = claims.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(claims: Mapping[str, Any], name: str, longest: int = _LONGEST) -> str:
    found = claims.get(name)
    return found if isinstance(found, str) and len(found) <= longest else ""


def _number(claims: Mapping[str, Any], name: str) -> float:
    found = claims.get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else -1.0
