"""What the server sends by itself: how much waits, and what could not be sent."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from server import outbox
from server.language import _
from server.storage.models import Delivery, Outgoing
from server.web.access import admins_only
from server.web.admin.views import pages
from server.web.services import services

_AT_MOST = 100


@pages.get("/outbox")
@admins_only
def show_outbox() -> str:
    with services().database.read() as session:
        rows = session.execute(select(Outgoing.state, func.count()).group_by(Outgoing.state))
        counts = {row[0].value: row[1] for row in rows}
        failed = session.scalars(
            select(Outgoing)
            .where(Outgoing.state == Delivery.FAILED)
            .order_by(Outgoing.id.desc())
            .limit(_AT_MOST)
            .options(joinedload(Outgoing.user))
        ).all()
    return render_template("admin/outbox.html", counts=counts, failed=failed)


@pages.post("/outbox/<int:row_id>/again")
@admins_only
def send_again(row_id: int) -> Response:
    with services().database.write() as session:
        row = session.get(Outgoing, row_id, with_for_update=True) or abort(404)
        if row.state is Delivery.FAILED:
            outbox.again(session, row, services().clock())
    flash(_("It is sent again."))
    return redirect(url_for(".show_outbox"), 303)
