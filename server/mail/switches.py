"""Who wants which mail; changed on the account's page, or by the link in every such mail."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.language import N_
from server.storage.models import Kind, MailSwitch, User

# In the order of the pages. Links in sent mail count them: a new one comes last. Invitations and
# password resets are asked for, and not among these.
SWITCHABLE: Mapping[Kind, str] = {
    Kind.COMMENT: N_("Somebody comments on what I handed in"),
    Kind.DUE: N_("Something is due tomorrow and I have handed in nothing"),
    Kind.FAULT_OVER: N_("What was not graded through a fault of the server's is graded now"),
    Kind.NO_GRADER: N_("For administrators: submissions wait and no grader is running"),
    Kind.ANSWER: N_("Somebody answers a question of mine on a check"),
    Kind.ANNOUNCEMENT: N_("Staff announce something in a course of mine"),
}


def offered(user: User) -> dict[Kind, str]:
    """The kinds that this person could get, with the words of the pages."""
    words = dict(SWITCHABLE)
    if not user.is_admin:
        del words[Kind.NO_GRADER]
    return words


def wanted(session: Session, user: User) -> set[Kind]:
    off = session.scalars(select(MailSwitch.kind).where(MailSwitch.user_id == user.id))
    return set(Kind) - set(off)


def set_wanted(session: Session, user: User, kinds: Collection[Kind]) -> None:
    """Of the switchable kinds, the user wants these."""
    session.execute(delete(MailSwitch).where(MailSwitch.user_id == user.id))
    session.add_all(MailSwitch(user_id=user.id, kind=k) for k in SWITCHABLE if k not in kinds)


class Switches:
    """Signed links that open somebody's switches without a login, and nothing else.

    Args:
        secret: the server's.
    """

    def __init__(self, secret: str | bytes) -> None:
        self._signer = URLSafeSerializer(secret, salt="mail switches")

    def token(self, user: User, kind: Kind) -> str:
        token = self._signer.dumps([user.id, user.email, list(SWITCHABLE).index(kind)])
        return token if isinstance(token, str) else token.decode()

    def open(self, session: Session, token: str) -> tuple[User, Kind] | None:
        """Whose link it is, and in which kind of mail it stood; None when it does not hold."""
        try:
            user_id, email, number = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        user = session.get(User, user_id)
        if user is None or user.email != email:  # deleted, or the address is another's by now
            return None
        return user, list(SWITCHABLE)[number]
