"""The staff's pages, one module per subject."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, g, request
from sqlalchemy import ColumnElement, or_

from server.storage.models import AuditEntry, User
from server.web.instructor.sentences import about, sentence

pages = Blueprint("instructor", __name__, url_prefix="/courses/<course>/staff")


@pages.context_processor
def _addresses() -> dict[str, Any]:
    return {"here": here, "told": _told, "about": about}


def _told(entry: AuditEntry) -> str:
    return sentence(entry, ZoneInfo(g.seat.course.timezone))


def here(**changes: Any) -> str:
    """This page's address with other arguments; None leaves one out."""
    arguments = {**request.args.to_dict(), **changes}
    kept = {name: value for name, value in arguments.items() if value not in (None, "")}
    query = f"?{urlencode(kept)}" if kept else ""
    # Not by url_for, for which some names mean something else, and anybody can put them there.
    return quote(request.root_path.rstrip("/") + request.path) + query


def people_named(search: str) -> ColumnElement[bool]:
    """The condition that somebody's name or address has this in it."""
    return or_(
        User.name.icontains(search, autoescape=True), User.email.icontains(search, autoescape=True)
    )


def number(name: str, default: int = 0) -> int:
    """A whole number, not negative, from the address; the default where there is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default
