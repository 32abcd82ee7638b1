"""What this server signs with, what platforms sign with, and what holds only once."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.lti import LtiError, http
from server.storage.models import LtiKey, LtiNonce

PUBLISHED = timedelta(days=30)  # for how long an older key of ours is still good
_KNOWN_FOR = 3600.0  # seconds for which a platform's keys are remembered
_AGAIN = 10.0  # seconds after which they may be asked for again, for the sake of an unknown one
_ALGORITHM = "RS256"  # what the Security Framework demands, and all that is taken


def signing(session: Session, at: datetime) -> LtiKey:
    """The newest key, made where there is none."""
    newest = session.scalar(select(LtiKey).order_by(LtiKey.created_at.desc()).limit(1))
    return newest or rotate(session, at)


def rotate(session: Session, at: datetime) -> LtiKey:
    """A new key; those from before are published for a while yet."""
    session.execute(delete(LtiKey).where(LtiKey.created_at < at - PUBLISHED))
    key = RSAKey.generate_key(2048)
    row = LtiKey(
        kid=secrets.token_hex(16), private=key.as_pem(private=True).decode(), created_at=at
    )
    session.add(row)
    session.flush()
    return row


def published(session: Session) -> dict[str, Any]:
    """The public keys as a JWK set."""
    rows = session.scalars(select(LtiKey).order_by(LtiKey.created_at.desc()))
    fields = {"alg": _ALGORITHM, "use": "sig"}
    return {
        "keys": [
            {**RSAKey.import_key(row.private).as_dict(private=False), **fields, "kid": row.kid}
            for row in rows
        ]
    }


def sign(key: LtiKey, claims: Mapping[str, Any]) -> str:
    header = {"alg": _ALGORITHM, "kid": key.kid, "typ": "JWT"}
    return jwt.encode(header, dict(claims), RSAKey.import_key(key.private), [_ALGORITHM])


_fetched: dict[str, tuple[float, KeySet]] = {}
_lock = threading.Lock()


def verified(token: str, jwks_url: str) -> dict[str, Any]:
    """The claims of a token that was signed with one of the keys at the address.

    Raises:
        LtiError: it was not.
    """
    for fresh_for in (_KNOWN_FOR, _AGAIN):  # a key that is unknown may be new
        keys = _keys(jwks_url, fresh_for)
        try:
            return dict(jwt.decode(token, keys, [_ALGORITHM]).claims)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            reason = type(error).__name__
    raise LtiError(
        "This launch is not signed by the course system that it says it comes from.",
        f"signature: {reason}",
    )


def _keys(url: str, fresh_for: float) -> KeySet:
    with _lock:
        known = _fetched.get(url)
    if known is not None and time.monotonic() - known[0] < fresh_for:
        return known[1]
    answer = http.get_json(url, "application/json")
    try:
        keys = KeySet.import_key_set(answer)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise LtiError("The course system's keys cannot be read.", "its keys") from None
    with _lock:
        _fetched[url] = (time.monotonic(), keys)
    return keys


def use_once(session: Session, what: str, *, at: datetime, until: datetime) -> bool:
    """False when it was used before.

    Args:
        until: when it holds no more anyway, and may be forgotten.
    """
    session.execute(delete(LtiNonce).where(LtiNonce.expires_at < at))
    digest = hashlib.sha256(what.encode()).hexdigest()
    try:
        with session.begin_nested():
            session.add(LtiNonce(digest=digest, expires_at=until))
    except IntegrityError:
        return False
    return True
