"""The registered platforms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, joinedload

from server.lti import LtiError
from server.people.providers import is_safe
from server.storage import audit
from server.storage.models import (
    Course,
    Deployment,
    LtiContext,
    LtiLink,
    Platform,
    User,
)

_MOST_UNKNOWN = 50  # deployments that nobody has allowed
# It stands in a header. A star is for what is below a name of two parts at least.
_ORIGIN = re.compile(r"https?://([\w-]+(\.[\w-]+)*|\*(\.[\w-]+){2,})(:\d{1,5})?", re.ASCII)
_ADDRESSES = ("authorization_url", "token_url", "jwks_url")


def origin(address: str) -> str:
    """
    Raises:
        LtiError: it has none that may stand in a header.
    """
    parts = urlsplit(address)
    found = f"{parts.scheme}://{parts.netloc}"
    if not _ORIGIN.fullmatch(found):
        raise LtiError("The course system names an address that is none.", "address")
    return found


def find(session: Session, issuer: str, client_id: str) -> Platform:
    """
    Args:
        client_id: may be "" where the issuer has one registration only.

    Raises:
        LtiError: this server is not registered there.
    """
    query = select(Platform).where(Platform.issuer == issuer)
    if client_id:
        query = query.where(Platform.client_id == client_id)
    found = session.scalars(query.limit(2)).all()
    if len(found) != 1:
        raise LtiError(
            "This course system is not registered here: ask those who run this server.",
            "unknown issuer or client",
        )
    return found[0]


def register(
    session: Session,
    *,
    title: str,
    issuer: str,
    client_id: str,
    authorization_url: str,
    token_url: str,
    jwks_url: str,
    token_audience: str = "",
    frames: Sequence[str] = (),
    trust_addresses: bool = False,
    deployments: Sequence[str] = (),
    at: datetime,
    actor: User | None,
) -> Platform:
    """
    Args:
        frames: further origins that may hold our pages in a frame, beside the issuer's and that of
            its login; `https://*.example.org` allows all below.

    Raises:
        LtiError: naming what does not hold.
    """
    row = Platform(
        title=title.strip()[:100] or issuer[:100],
        issuer=issuer.strip(),
        client_id=client_id.strip(),
        authorization_url=authorization_url.strip(),
        token_url=token_url.strip(),
        jwks_url=jwks_url.strip(),
        token_audience=token_audience.strip(),
        frames=[],
        trust_addresses=trust_addresses,
        created_at=at,
    )
    if not row.client_id or len(row.client_id) > 100:
        raise LtiError("client_id is missing or too long.")
    if not is_safe(row.issuer) or len(row.issuer) > 150:
        raise LtiError("The issuer is no https:// address.")
    for name in _ADDRESSES:
        if not is_safe(getattr(row, name)) or len(getattr(row, name)) > 500:
            raise LtiError(f"{name} is no https:// address.")
    usual = [origin(row.issuer), origin(row.authorization_url)]
    row.frames = list(dict.fromkeys([*usual, *(frame.rstrip("/") for frame in frames)]))
    for frame in row.frames:
        if not _ORIGIN.fullmatch(frame) or not is_safe(frame.replace("*.", "", 1)):
            raise LtiError(f"{frame[:80]!r} is no origin such as https://canvas.example.org.")
    taken = (Platform.issuer == row.issuer, Platform.client_id == row.client_id)
    if session.scalar(select(Platform.id).where(*taken)) is not None:
        raise LtiError("This issuer and client are registered already.")
    session.add(row)
    session.flush()
    for deployment in deployments:
        allow(session, row, deployment, at)
    audit.record(
        session,
        audit.Action.PLATFORM_REGISTERED,
        f"platform:{row.id}",
        at=at,
        actor=actor,
        issuer=row.issuer,
    )
    return row


def remove(session: Session, platform: Platform, *, at: datetime, actor: User) -> None:
    """Nobody comes from there any more, and no grade goes there; accounts stay as they are."""
    audit.record(
        session,
        audit.Action.PLATFORM_REMOVED,
        f"platform:{platform.id}",
        at=at,
        actor=actor,
        issuer=platform.issuer,
    )
    contexts = select(LtiContext.id).where(LtiContext.platform_id == platform.id)
    session.execute(delete(LtiLink).where(LtiLink.context_id.in_(contexts)))
    session.execute(delete(LtiContext).where(LtiContext.platform_id == platform.id))
    session.execute(delete(Deployment).where(Deployment.platform_id == platform.id))
    session.delete(platform)


def allow(session: Session, platform: Platform, deployment: str, at: datetime) -> None:
    row = session.get(Deployment, (platform.id, deployment))
    if row is None:
        row = Deployment(platform_id=platform.id, deployment_id=deployment, seen_at=at)
        session.add(row)
    row.allowed = True


def is_allowed(session: Session, platform: Platform, deployment: str, at: datetime) -> bool:
    """Whether somebody has allowed it; one that nobody knows is noted, for an administrator."""
    row = session.get(Deployment, (platform.id, deployment))
    if row is None:
        unknown = session.scalar(
            select(func.count())
            .select_from(Deployment)
            .where(Deployment.platform_id == platform.id, Deployment.allowed.is_(False))
        )
        if (unknown or 0) < _MOST_UNKNOWN:
            session.add(
                Deployment(
                    platform_id=platform.id, deployment_id=deployment, allowed=False, seen_at=at
                )
            )
        return False
    row.seen_at = at
    return row.allowed


def deployments(session: Session, platform: Platform) -> Sequence[Deployment]:
    return session.scalars(
        select(Deployment)
        .where(Deployment.platform_id == platform.id)
        .order_by(Deployment.deployment_id)
    ).all()


def connected(session: Session, course: Course) -> tuple[Sequence[LtiContext], Sequence[LtiLink]]:
    """The courses of platforms that this one is connected with, each with its platform, and their
    links, each with its assignment."""
    contexts = session.scalars(
        select(LtiContext)
        .where(LtiContext.course_id == course.id)
        .options(joinedload(LtiContext.platform))
        .order_by(LtiContext.id)
    ).all()
    links = session.scalars(
        select(LtiLink)
        .where(LtiLink.context_id.in_([context.id for context in contexts]))
        .options(joinedload(LtiLink.assignment))
        .order_by(LtiLink.id)
    ).all()
    return contexts, links
