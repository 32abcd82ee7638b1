"""The administrators' pages."""

from __future__ import annotations

import tempfile

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as BaseResponse

from server import sheet
from server.language import _, ngettext
from server.people import accounts, privacy
from server.storage import audit
from server.storage.models import Enrolment, Submission, User
from server.web.access import admins_only
from server.web.access import user as whoever_asks
from server.web.services import services

pages = Blueprint("admin", __name__, url_prefix="/admin")

_AT_MOST = 50


@pages.get("/users")
@admins_only
def users() -> str:
    """Those whose name or address holds what is searched for."""
    wanted = request.args.get("q", "").strip()[:200]
    query = select(User).order_by(User.email).limit(_AT_MOST + 1)
    if wanted:
        query = query.where(
            or_(
                User.email.contains(wanted, autoescape=True),
                User.name.contains(wanted, autoescape=True),
            )
        )
    with services().database.read() as session:
        found = session.scalars(query).all()
    return render_template(
        "admin/users.html", found=found[:_AT_MOST], more=len(found) > _AT_MOST, wanted=wanted
    )


@pages.get("/users/<int:user_id>")
@admins_only
def user(user_id: int) -> str:
    return _user(user_id)


@pages.get("/users/<int:user_id>/export")
@admins_only
def export(user_id: int) -> Response:
    """All that is kept about somebody, as a zip archive."""
    target = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the answer
    here = services()
    with here.database.read() as session:
        found = session.get(User, user_id) or abort(404)
        privacy.export(
            session, here.files, here.engine.views["student"], found, target, here.clock()
        )
    with audit.noting(here.database, whoever_asks().id) as session:
        audit.record(
            session,
            audit.Action.DATA_EXPORTED,
            f"user:{user_id}",
            at=here.clock(),
            actor=session.get_one(User, whoever_asks().id),
        )
    target.seek(0)
    return send_file(
        target, "application/zip", as_attachment=True, download_name=f"user-{user_id}.zip"
    )


@pages.post("/users/<int:user_id>/disable")
@admins_only
def disable(user_id: int) -> BaseResponse | tuple[str, int]:
    if user_id == whoever_asks().id:
        return _user(user_id, _("You cannot disable yourself: another administrator can.")), 422
    return _set_disabled(user_id, True)


@pages.post("/users/<int:user_id>/enable")
@admins_only
def enable(user_id: int) -> BaseResponse:
    return _set_disabled(user_id, False)


def _set_disabled(user_id: int, disabled: bool) -> BaseResponse:
    with services().database.write() as session:
        found = session.get(User, user_id) or abort(404)
        actor = session.get_one(User, whoever_asks().id)
        accounts.set_disabled(session, found, disabled, at=services().clock(), actor=actor)
        said = (
            _("%(name)s is disabled and logged out everywhere.", name=found.name)
            if disabled
            else _("%(name)s may log in again.", name=found.name)
        )
        flash(said)
    return redirect(url_for(".user", user_id=user_id), 303)


@pages.post("/users/<int:user_id>/account")
@admins_only
def change_account(user_id: int) -> BaseResponse | tuple[str, int]:
    """Another name or address."""
    name = sheet.clean(request.form.get("name", ""))
    try:
        with services().database.write() as session:
            at = services().clock()
            found = session.get(User, user_id) or abort(404)
            actor = session.get_one(User, whoever_asks().id)
            accounts.change_address(
                session, found, request.form.get("email", ""), at=at, actor=actor
            )
            if name and name != found.name:
                accounts.rename(session, found, name, at=at, actor=actor)
    except accounts.AccountError as error:
        return _user(user_id, str(error)), 422
    flash(_("The account is changed."))
    return redirect(url_for(".user", user_id=user_id), 303)


@pages.post("/users/<int:user_id>/delete")
@admins_only
def delete(user_id: int) -> BaseResponse | tuple[str, int]:
    """Whoever means it types the address of whom it is about."""
    here = services()
    if user_id == whoever_asks().id:
        return _user(user_id, _("You cannot delete yourself: another administrator can.")), 422
    with here.database.write() as session:
        found = session.get(User, user_id) or abort(404)
        email = found.email
        sure = request.form.get("email", "").strip().lower() == email
        erased = (
            privacy.erase(
                session,
                found,
                at=here.clock(),
                actor=session.get_one(User, whoever_asks().id),
            )
            if sure
            else 0
        )
    if not sure:
        return _user(user_id, _("This is not the address of this user.")), 422
    flash(
        ngettext(
            "%(email)s is deleted, with %(num)s submission.",
            "%(email)s is deleted, with %(num)s submissions.",
            erased,
            email=email,
        )
    )
    return redirect(url_for(".users"), 303)


def _user(user_id: int, refusal: str = "") -> str:
    with services().database.read() as session:
        found = session.get(User, user_id) or abort(404)
        enrolments = session.scalars(
            select(Enrolment)
            .where(Enrolment.user_id == user_id)
            .options(joinedload(Enrolment.course))
        ).all()
        submissions = session.scalar(select(func.count()).where(Submission.user_id == user_id))
    return render_template(
        "admin/user.html",
        found=found,
        enrolments=enrolments,
        submissions=submissions,
        refusal=refusal,
    )
