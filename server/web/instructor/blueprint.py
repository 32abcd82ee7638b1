"""The staff's pages, one module per subject."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import ColumnElement, or_

from server.storage.models import AuditEntry, User

pages = Blueprint("instructor", __name__, url_prefix="/courses/<course>/staff")


@pages.context_processor
def _addresses() -> dict[str, Any]:
    return {"here": here, "details": details}


def details(entry: AuditEntry) -> str:
    """What an audit entry says besides, in words."""
    return ", ".join(
        f"{name.replace('_', ' ')}: {'none' if value is None else _plain(value)}"
        for name, value in entry.detail.items()
    )


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_plain(inner)}" for key, inner in value.items() if inner)
    if isinstance(value, list):
        return "; ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def here(**changes: Any) -> str:
    """This page's address with other arguments; None leaves one out."""
    arguments = {**request.args.to_dict(), **changes}
    kept = {name: value for name, value in arguments.items() if value not in (None, "")}
    return url_for(request.endpoint or "", **(request.view_args or {}), **kept)


def people_named(search: str) -> ColumnElement[bool]:
    """The condition that somebody's name or address has this in it."""
    return or_(
        User.name.icontains(search, autoescape=True), User.email.icontains(search, autoescape=True)
    )


def number(name: str, default: int = 0) -> int:
    """A whole number, not negative, from the address; the default where there is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default
