"""Every request is counted and timed; what changes something, or fails, is logged: by whom as a
number, and where as the route, never with the address that somebody typed."""

from __future__ import annotations

import logging
import time

import flask_login
from flask import Flask, Response, current_app, g, request

from server.web import access, metrics

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    # Addresses that lead nowhere are one route: anybody can make up any number of them.
    route = request.url_rule.rule if request.url_rule else "none"
    metrics.of(current_app).request(request.method, route, response.status_code, seconds)
    if request.method not in ("GET", "HEAD") or response.status_code >= 400:
        token = access.token()
        log.info(
            "request",
            extra={
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "ms": round(1000 * seconds, 1),
                "user": token.user_id if token else getattr(flask_login.current_user, "id", None),
            },
        )
    return response
