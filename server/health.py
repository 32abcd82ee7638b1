"""For machines that ask whether the server works."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from server.access import public
from server.services import services

pages = Blueprint("health", __name__)


@pages.get("/healthz")
@public
def healthz() -> tuple[Response, int]:
    try:
        with services().database.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(status="the database does not answer"), 503
    return jsonify(status="ok"), 200
