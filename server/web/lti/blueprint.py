"""What the views have in common: the blueprint, refusing, and what this server signs for itself."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from flask import Blueprint, current_app, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from server.language import N_, _
from server.lti import LtiError
from server.lti.launch import Launch
from server.storage.models import Platform
from server.web.problems import Problem

log = logging.getLogger(__name__)
pages = Blueprint("lti", __name__, url_prefix="/lti")

_OLD = N_("This is too old or was changed on its way: open the link in your course again.")


def refuse(what: str, error: Exception, platform: int | None = None) -> NoReturn:
    """One sentence for the person, and a line for the operator without anything personal."""
    reason = error.reason if isinstance(error, LtiError) else type(error).__name__
    log.warning("%s refused", what, extra={"platform": platform, "reason": reason})
    raise Problem(400, str(error)) from None


def signed(what: str, content: Any) -> str:
    token = _signer(what).dumps(content)
    return token if isinstance(token, str) else token.decode()


def unsigned(what: str, token: str, seconds: int) -> Any:
    """
    Raises:
        LtiError: this server has not signed it, not as this, or too long ago.
    """
    try:
        return _signer(what).loads(token, max_age=seconds)
    except BadSignature as error:
        raise LtiError(_(_OLD), f"{what}: {type(error).__name__}") from None


def _signer(what: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"lti {what}")


def home() -> str:
    """This server's address, with a slash at the end."""
    return request.url_root


def addresses() -> dict[str, str]:
    """What a platform has to know."""
    return {
        "home": home(),
        "login": url_for("lti.login", _external=True),
        "launch": url_for("lti.launch", _external=True),
        "jwks": url_for("lti.jwks", _external=True),
    }


def platform_of(session: Session, number: int) -> Platform:
    found = session.get(Platform, number)
    if found is None:
        raise LtiError(_("This course system is not registered here any more."), "unknown platform")
    return found


def kept(launch: Launch, proof: str) -> str:
    """The launch, for the page after this one, in the browser that has the proof."""
    return signed("launch", [launch.platform_id, launch.kept(), proof])


def opened(token: str) -> tuple[Launch, str]:
    number, claims, proof = unsigned("launch", token, 3600)
    return Launch(number, claims), proof
