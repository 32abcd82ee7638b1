"""Who the token's user is."""

from __future__ import annotations

from typing import Any

from server.storage.models import Scope
from server.web.access import signed_in, token, user
from server.web.api import schemas
from server.web.api.blueprint import by_token, pages


@pages.get("/me")
@by_token(Scope.READ)
@signed_in
@pages.response(200, schemas.Me)
def me() -> dict[str, Any]:
    """Who the token's user is, and what the token may"""
    here = user()
    return {
        "id": here.id,
        "name": here.name,
        "email": here.email,
        "is_admin": here.is_admin,
        "token": token(),
    }
