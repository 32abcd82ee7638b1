"""Signed addresses that show one thing of a person's to programs that cannot log in."""

from __future__ import annotations

from hashlib import sha256

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from server.storage.models import User


class Links:
    """Such an address ends with the person's sessions: when the password is changed or reset, or
    the account disabled.

    Args:
        secret: the server's.
    """

    def __init__(self, secret: str | bytes) -> None:
        self._signer = URLSafeSerializer(secret, salt="private links")

    def token(self, user: User, *what: str) -> str:
        """Args: what: what may be seen by it, such as "calendar"."""
        token = self._signer.dumps([user.id, _mark(user), *what])
        return token if isinstance(token, str) else token.decode()

    def open(self, session: Session, token: str, *what: str) -> User | None:
        """Whose address it is; None when it does not hold, or is for something else."""
        try:
            user_id, mark, *named = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        user = session.get(User, user_id)
        if user is None or user.disabled or mark != _mark(user) or named != list(what):
            return None
        return user


def _mark(user: User) -> str:
    return sha256(user.session_key.encode()).hexdigest()[:16]
