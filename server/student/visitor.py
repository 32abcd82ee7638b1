"""Whose submissions are these? Until there are accounts, a browser's."""

from __future__ import annotations

import secrets

from flask import session


def visitor() -> str | None:
    """The owner of this browser's submissions; None while it has handed in nothing."""
    found = session.get("visitor")
    return found if isinstance(found, str) else None


def remember_visitor() -> str:
    """As `visitor`, and a new one where there is none."""
    found = visitor()
    if found is None:
        found = session["visitor"] = secrets.token_urlsafe(24)
        session.permanent = True
    return found
