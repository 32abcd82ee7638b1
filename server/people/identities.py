"""Whose account is this? People as identity providers know them.

A provider's word for somebody is (issuer, subject); names and addresses change hands, so an
account is found by that pair. It is linked to an account that is there already by that account's
own user, or by an address that the provider has verified, where the operator allows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.language import _
from server.people import accounts
from server.people.accounts import AccountError
from server.people.providers import Provider
from server.storage import audit
from server.storage.models import Course, Enrolment, Identity, User

_LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, section 2


def sign_in(session: Session, provider: Provider, claims: Mapping[str, Any], at: datetime) -> User:
    """The user whom these verified claims of the provider's are about, made where that is allowed.

    Raises:
        AccountError: nobody is to be let in; the message says why and what to do.
    """
    found = find(session, provider.issuer, _subject(claims))
    user = found.user if found is not None else _new(session, provider, claims, at)
    if user.disabled:
        raise AccountError(_("This account is disabled: ask those who run this server."))
    for rule in provider.granted(claims):
        course = session.scalar(select(Course).where(Course.slug == rule.course))
        if course is None:
            continue
        place = session.get(Enrolment, (course.id, user.id))
        if place is None or not place.role.covers(rule.role):  # never lowered: staff do that
            accounts.enrol(session, course, user, rule.role, at=at, actor=None)
    return user


def is_text(claims: Mapping[str, Any]) -> bool:
    """Whether a database keeps all of it as it is: no half characters, no NUL."""
    try:
        said = json.dumps(claims, ensure_ascii=False, default=str)
        said.encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return "\\u0000" not in said


def find(session: Session, issuer: str, subject: str) -> Identity | None:
    return session.scalar(
        select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    )


def link(
    session: Session, user: User, issuer: str, subject: str, *, at: datetime, actor: User | None
) -> Identity:
    """Let the identity open the user's account.

    Raises:
        AccountError: it opens another's.
    """
    known = find(session, issuer, subject)
    if known is not None:
        if known.user_id != user.id:
            raise AccountError(_("This login belongs to another account on this server."))
        return known
    identity = Identity(user_id=user.id, issuer=issuer, subject=subject, created_at=at)
    session.add(identity)
    session.flush()
    audit.record(
        session,
        audit.Action.IDENTITY_LINKED,
        f"user:{user.id}",
        at=at,
        actor=actor,
        issuer=issuer,
    )
    return identity


def unlink(session: Session, user: User, identity_id: int, *, at: datetime) -> bool:
    """False when the user has no such identity.

    Raises:
        AccountError: it is the only thing that opens the account.
    """
    own = session.scalars(select(Identity).where(Identity.user_id == user.id)).all()
    chosen = next((identity for identity in own if identity.id == identity_id), None)
    if chosen is None:
        return False
    if len(own) == 1 and user.password is None:
        raise AccountError(_("Nothing else opens your account: ask for an invitation link first."))
    issuer = chosen.issuer
    session.delete(chosen)
    audit.record(
        session, audit.Action.IDENTITY_UNLINKED, f"user:{user.id}", at=at, actor=user, issuer=issuer
    )
    return True


def _new(session: Session, provider: Provider, claims: Mapping[str, Any], at: datetime) -> User:
    email = claims.get("email")
    if not isinstance(email, str) or not email.strip():
        raise AccountError(
            _(
                "%(provider)s does not say your e-mail address: log in with your password and link "
                "the two on your account's page.",
                provider=provider.title,
            )
        )
    email = accounts.normal_email(email)
    user = accounts.find(session, email)
    if user is not None:
        if claims.get("email_verified") is not True:
            raise AccountError(
                _(
                    "There is an account for %(email)s, and %(provider)s has not verified that the "
                    "address is yours: log in with your password and link the two on your "
                    "account's page.",
                    email=email,
                    provider=provider.title,
                )
            )
        if not provider.link_verified_email:
            raise AccountError(
                _(
                    "There is an account for %(email)s already: log in with your password and link "
                    "the two on your account's page.",
                    email=email,
                )
            )
    elif not provider.create_accounts:
        raise AccountError(
            _("There is no account for you here yet: ask those who teach your course.")
        )
    else:
        name = claims.get("name")
        user = accounts.create(
            session, email, name if isinstance(name, str) else "", at=at, actor=None
        )
    link(session, user, provider.issuer, _subject(claims), at=at, actor=None)
    return user


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise AccountError(_("The login does not say who you are."))
    return subject
