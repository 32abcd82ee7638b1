"""The start of the API."""

from __future__ import annotations

from importlib import metadata

from flask import Blueprint, Response, jsonify

from server.access import public

pages = Blueprint("api", __name__, url_prefix="/api/v1")


@pages.get("/")
@public
def about() -> Response:
    """Which server this is."""
    return jsonify(server="gradmark", version=metadata.version("gradmark"))
