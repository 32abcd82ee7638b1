"""Users: made, invited, enrolled; the same for the pages and the command line."""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from server import sheet
from server.people import tokens
from server.storage import audit
from server.storage.models import Course, Enrolment, Identity, Invitation, Role, User

INVITATION_LASTS = timedelta(days=30)
RESET_LASTS = timedelta(hours=2)
SHORTEST_PASSWORD = 10
_AROUND = re.compile(r"<?\s*(?:mailto:)?\s*([^<>\s]*)\s*>?", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")


class AccountError(ValueError):
    """It cannot be done; the message is one sentence for who tried."""


def normal_email(text: str) -> str:
    """The address as it is kept.

    Raises:
        AccountError: it is none.
    """
    email = as_written(text).lower()
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        raise AccountError(f"{as_written(text)[:80]!r} is no e-mail address.")
    return email


def as_written(address: str) -> str:
    """Without what nobody sees of it, or what links and mail programs put around it; letters of
    full width are the letters that they look like."""
    seen = sheet.clean(unicodedata.normalize("NFKC", address))
    seen = seen.replace("\u200c", "").replace("\u200d", "")
    around = _AROUND.fullmatch(seen)
    return around[1] if around else seen


def find(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == as_written(email).lower()))


def create(
    session: Session,
    email: str,
    name: str,
    *,
    at: datetime,
    actor: User | None,
    is_admin: bool = False,
) -> User:
    """A new user, who has no password until an invitation is accepted.

    Raises:
        AccountError: the address is none, or taken.
    """
    email = normal_email(email)
    if find(session, email) is not None:
        raise AccountError(f"There is a user {email} already.")
    user = User(
        email=email,
        name=(name.strip() or email.partition("@")[0])[:200],
        session_key=secrets.token_urlsafe(32),
        is_admin=is_admin,
        disabled=False,
        created_at=at,
    )
    session.add(user)
    session.flush()
    audit.record(
        session, audit.Action.USER_CREATED, f"user:{user.id}", at=at, actor=actor, admin=is_admin
    )
    return user


def enrol(
    session: Session,
    course: Course,
    user: User,
    role: Role,
    *,
    at: datetime,
    actor: User | None,
    section: str = "",
) -> Enrolment:
    """Give the user this role in the course, whether or not they had another, or had left."""
    enrolment = session.get(Enrolment, (course.id, user.id))
    if enrolment is None:
        enrolment = Enrolment(
            course_id=course.id, user_id=user.id, role=role, section=section, created_at=at
        )
        session.add(enrolment)
        session.flush()
        action, before = audit.Action.ENROLLED, None
    elif not enrolment.here:
        action, before = audit.Action.RETURNED, enrolment.role.value
        enrolment.role, enrolment.left_at = role, None
    elif enrolment.role is not role:
        action, before = audit.Action.ROLE_CHANGED, enrolment.role.value
        enrolment.role = role
    else:
        return enrolment
    audit.record(
        session,
        action,
        f"user:{user.id}",
        at=at,
        actor=actor,
        course_id=course.id,
        before=before,
        after=role.value,
    )
    return enrolment


def leave(
    session: Session, course: Course, user: User, *, at: datetime, actor: User | None
) -> None:
    """The user is in the course no more; all that is theirs there stays."""
    enrolment = session.get_one(Enrolment, (course.id, user.id))
    if not enrolment.here:
        return
    enrolment.left_at = at
    audit.record(
        session,
        audit.Action.LEFT,
        f"user:{user.id}",
        at=at,
        actor=actor,
        course_id=course.id,
        role=enrolment.role.value,
    )


def set_disabled(
    session: Session, user: User, disabled: bool, *, at: datetime, actor: User | None
) -> None:
    """Who is disabled can neither log in nor use a token, and is logged out everywhere."""
    if user.disabled == disabled:
        return
    user.disabled = disabled
    action = audit.Action.USER_DISABLED if disabled else audit.Action.USER_ENABLED
    audit.record(session, action, f"user:{user.id}", at=at, actor=actor)


def rename(
    session: Session,
    user: User,
    name: str,
    *,
    at: datetime,
    actor: User | None,
    course: Course | None = None,
) -> None:
    """
    Args:
        course: on whose occasion.
    """
    before, user.name = user.name, name[:200]
    audit.record(
        session,
        audit.Action.USER_RENAMED,
        f"user:{user.id}",
        at=at,
        actor=actor,
        course_id=None if course is None else course.id,
        before=before,
        after=user.name,
    )


def change_address(
    session: Session, user: User, email: str, *, at: datetime, actor: User | None
) -> None:
    """By which they log in from now on; invitations to the old one lose their force.

    Raises:
        AccountError: it is none, or somebody else's.
    """
    new = normal_email(email)
    if new == user.email:
        return
    if find(session, new) is not None:
        raise AccountError(f"There is a user {new} already.")
    before, user.email = user.email, new
    for enrolment in session.scalars(select(Enrolment).where(Enrolment.user_id == user.id)):
        enrolment.address = as_written(email)
    _void_invitations(session, user, at)
    audit.record(
        session,
        audit.Action.ADDRESS_CHANGED,
        f"user:{user.id}",
        at=at,
        actor=actor,
        before=before,
        after=new,
    )


def may_rename(session: Session, actor: User | None, user: User) -> bool:
    """An instructor whom nobody but they have in a course; None is the operator."""
    if actor is None or actor.is_admin:
        return True
    return not user.is_admin and _only_in_courses_of(session, actor, user)


def may_change_address(session: Session, actor: User | None, user: User) -> bool:
    """As an invitation, the address is a way into the account."""
    return actor is None or may_invite(session, actor, user)


def may_invite(session: Session, actor: User, user: User) -> bool:
    """Whoever makes an invitation can use it, so an instructor may invite only somebody who has
    nothing that the instructor has not: no way in of their own, and no place in another's course.
    """
    if actor.is_admin:
        return True
    if user.password is not None or user.is_admin:
        return False
    if session.scalar(select(Identity.id).where(Identity.user_id == user.id).limit(1)):
        return False
    return _only_in_courses_of(session, actor, user)


def _only_in_courses_of(session: Session, actor: User, user: User) -> bool:
    places = set(session.scalars(select(Enrolment.course_id).where(Enrolment.user_id == user.id)))
    led = set(
        session.scalars(
            select(Enrolment.course_id).where(
                Enrolment.user_id == actor.id, Enrolment.role == Role.INSTRUCTOR, Enrolment.here
            )
        )
    )
    return places <= led


def invite(session: Session, user: User, *, at: datetime, actor: User | None) -> str:
    """The token of a fresh invitation; earlier ones lose their force."""
    _void_invitations(session, user, at)
    return _link(session, user, at, INVITATION_LASTS, actor)


def may_reset(session: Session, user: User) -> bool:
    """Not whose account an identity provider alone opens: mail would be a way round it."""
    if user.disabled:
        return False
    if user.password is not None:
        return True
    return session.scalar(select(Identity.id).where(Identity.user_id == user.id).limit(1)) is None


def reset(session: Session, user: User, *, at: datetime) -> str:
    """The token of a link by which the user, who asked for it, chooses a password. Invitations hold
    on: whoever types an address must not end them."""
    return _link(session, user, at, RESET_LASTS, None)


def _link(session: Session, user: User, at: datetime, lasts: timedelta, actor: User | None) -> str:
    token, digest = tokens.make("invitation")
    session.add(
        Invitation(
            digest=digest,
            user_id=user.id,
            invited_by_id=None if actor is None else actor.id,
            created_at=at,
            expires_at=at + lasts,
        )
    )
    audit.record(session, audit.Action.USER_INVITED, f"user:{user.id}", at=at, actor=actor)
    return token


def _void_invitations(session: Session, user: User, at: datetime) -> None:
    for earlier in session.scalars(
        select(Invitation).where(
            Invitation.user_id == user.id, Invitation.used_at.is_(None), Invitation.expires_at > at
        )
    ):
        earlier.expires_at = at


def invitation(session: Session, token: str, at: datetime) -> Invitation | None:
    """The invitation with this token, if it still holds: whoever made it must be somebody who may
    make it now."""
    found = session.scalar(select(Invitation).where(Invitation.digest == tokens.digest(token)))
    if found is None or found.used_at is not None or found.expires_at <= at or found.user.disabled:
        return None
    if found.invited_by_id is None:
        return found
    by = session.get_one(User, found.invited_by_id)
    return found if not by.disabled and may_invite(session, by, found.user) else None


def set_password(session: Session, user: User, password: str, *, at: datetime) -> None:
    """Ends every session, invitation and API token of the user: whoever had them may be the reason
    for the new password."""
    user.password = PasswordHasher().hash(password)
    user.session_key = secrets.token_urlsafe(32)
    for left in session.scalars(
        select(Invitation).where(Invitation.user_id == user.id, Invitation.used_at.is_(None))
    ):
        left.used_at = at
    tokens.revoke_all(session, user, at=at)
    audit.record(session, audit.Action.PASSWORD_SET, f"user:{user.id}", at=at, actor=user)


def check_password(user: User | None, password: str) -> bool:
    """Takes as long for somebody whom nobody knows, so that nobody learns who is known."""
    known = user is not None and user.password is not None and not user.disabled
    stored = user.password if known and user is not None else None
    try:
        PasswordHasher().verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return known


@cache
def _nobodys() -> str:
    return PasswordHasher().hash(secrets.token_urlsafe(32))
