"""Secrets that are shown once: invitations and API tokens. Only their digests are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from server.storage import audit
from server.storage.models import ApiToken, Scope, User

_SEEN_EVERY = timedelta(minutes=1)  # reading must not cost a write each time
_LENT_FOR = timedelta(hours=2)


def make(kind: str) -> tuple[str, str]:
    """A new secret and its digest. The prefix lets scanners for leaked secrets know it."""
    token = f"gradmark_{kind}_{secrets.token_urlsafe(32)}"
    return token, digest(token)


def digest(token: str) -> str:
    """SHA-256 suffices: the token is random, not a password that could be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(
    session: Session,
    user: User,
    name: str,
    scopes: Collection[Scope],
    *,
    at: datetime,
    expires_at: datetime | None,
) -> str:
    """A new API token of the user's."""
    token, its_digest = make("api")
    row = ApiToken(
        user_id=user.id,
        name=name,
        digest=its_digest,
        scopes=sorted(scope.value for scope in scopes),
        created_at=at,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, audit.Action.TOKEN_CREATED, f"token:{row.id}", at=at, actor=user, scopes=row.scopes
    )
    return token


def lend(session: Session, user: User, name: str, *, at: datetime) -> tuple[str, datetime]:
    """A token to read and hand in with for some hours, and when it ends. Those of that name that
    have ended are forgotten."""
    session.execute(
        delete(ApiToken).where(
            ApiToken.user_id == user.id, ApiToken.name == name, ApiToken.expires_at <= at
        )
    )
    ends = at + _LENT_FOR
    scopes = [Scope.READ, Scope.SUBMIT]
    return issue(session, user, name, scopes, at=at, expires_at=ends), ends


def find(session: Session, token: str, at: datetime) -> ApiToken | None:
    """The API token, with its user, if it still holds."""
    found = session.scalar(
        select(ApiToken)
        .where(ApiToken.digest == digest(token), ApiToken.revoked_at.is_(None))
        .options(joinedload(ApiToken.user))
    )
    if found is None or found.user.disabled:
        return None
    return None if found.expires_at is not None and found.expires_at <= at else found


def seen_lately(token: ApiToken, at: datetime) -> bool:
    """Whether its last use is noted well enough."""
    return token.last_used_at is not None and at - token.last_used_at < _SEEN_EVERY


def note_use(session: Session, token: ApiToken, at: datetime) -> None:
    session.execute(update(ApiToken).where(ApiToken.id == token.id).values(last_used_at=at))


def revoke_all(session: Session, user: User, *, at: datetime) -> None:
    for token in session.scalars(
        select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
    ):
        revoke(session, user, token.id, at=at)


def revoke(session: Session, user: User, token: int, *, at: datetime) -> bool:
    """False when the user has no such token."""
    row = session.get(ApiToken, token)
    if row is None or row.user_id != user.id:
        return False
    if row.revoked_at is None:
        row.revoked_at = at
        audit.record(session, audit.Action.TOKEN_REVOKED, f"token:{row.id}", at=at, actor=user)
    return True
