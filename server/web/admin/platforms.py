"""The course systems that this server is registered at."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from server.language import _
from server.lti import LtiError, available, platforms
from server.storage.models import LtiKey, Platform, User
from server.web.access import admins_only
from server.web.access import user as whoever_asks
from server.web.admin.views import pages
from server.web.services import services

_FIELDS = (
    "title",
    "issuer",
    "client_id",
    "authorization_url",
    "token_url",
    "jwks_url",
    "token_audience",
)


@pages.get("/platforms")
@admins_only
def show_platforms() -> str:
    return _platforms()


@pages.post("/platforms")
@admins_only
def add_platform() -> Response | tuple[str, int]:
    said = {name: request.form.get(name, "").strip() for name in _FIELDS}
    try:
        with services().database.write() as session:
            platforms.register(
                session,
                **said,
                frames=request.form.get("frames", "").split(),
                deployments=request.form.get("deployments", "").split(),
                trust_addresses="trust_addresses" in request.form,
                at=services().clock(),
                actor=session.get_one(User, whoever_asks().id),
            )
    except LtiError as error:
        return _platforms(refusal=str(error)), 422
    flash("Registered.")
    return redirect(url_for(".show_platforms"), 303)


@pages.post("/platforms/link")
@admins_only
def make_registration_link() -> str:
    """An address for the platform's page of dynamic registration: for a day, and once."""
    if not available():
        abort(404)
    from server.web.lti.blueprint import signed

    token = signed("registration", whoever_asks().session_key)
    return _platforms(link=url_for("lti.register", token=token, _external=True))


@pages.post("/platforms/key")
@admins_only
def new_key() -> Response:
    """Sign with another key from now on; the one before stays published for a month."""
    if not available():
        abort(404)
    from server.lti import keys

    with services().database.write() as session:
        keys.rotate(session, services().clock())
    flash(_("There is a new key. Platforms read it by themselves."))
    return redirect(url_for(".show_platforms"), 303)


@pages.post("/platforms/<int:platform_id>/allow")
@admins_only
def allow_deployment(platform_id: int) -> Response:
    deployment = request.form.get("deployment", "").strip()[:255]
    with services().database.write() as session:
        platform = _platform(session, platform_id)
        if deployment:
            platforms.allow(session, platform, deployment, services().clock())
    flash(_("People may come from there."))
    return redirect(url_for(".show_platforms"), 303)


@pages.post("/platforms/<int:platform_id>/trust")
@admins_only
def trust_addresses(platform_id: int) -> Response:
    with services().database.write() as session:
        platform = _platform(session, platform_id)
        platform.trust_addresses = request.form.get("trust") == "yes"
    flash("Saved.")
    return redirect(url_for(".show_platforms"), 303)


@pages.post("/platforms/<int:platform_id>/remove")
@admins_only
def remove_platform(platform_id: int) -> Response:
    with services().database.write() as session:
        platform = _platform(session, platform_id)
        actor = session.get_one(User, whoever_asks().id)
        platforms.remove(session, platform, at=services().clock(), actor=actor)
    flash(_("Nobody comes from there any more, and no grade goes there."))
    return redirect(url_for(".show_platforms"), 303)


def _platform(session: Session, number: int) -> Platform:
    return session.get(Platform, number) or abort(404)


def _platforms(refusal: str = "", link: str = "") -> str:
    with services().database.read() as session:
        found = session.scalars(select(Platform).order_by(Platform.title)).all()
        places = {platform.id: platforms.deployments(session, platform) for platform in found}
        newest = session.scalar(select(LtiKey).order_by(LtiKey.created_at.desc()).limit(1))
    return render_template(
        "admin/platforms.html",
        platforms=found,
        places=places,
        newest=newest,
        refusal=refusal,
        link=link,
        available=available(),
        said=request.form,
    )
