"""For machines that ask whether the server works, and how well."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, abort, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from autograder.handin.submission import MAX_BYTES
from server.grading.workload import Workload, workload
from server.web import metrics
from server.web.access import public
from server.web.services import services

pages = Blueprint("health", __name__)

_LITTLE = 2**30  # bytes: what is left once operators should know
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")


@pages.get("/healthz")
@public
def healthz() -> tuple[Response, int]:
    """200 while pages are answered and submissions accepted, whether or not anybody grades them."""
    config = services().config
    try:
        now = services().clock()
        with services().database.read() as session:
            load = workload(session, now)
    except SQLAlchemyError:
        return jsonify(status="the database does not answer"), 503
    waiting, accepts = load.oldest_waiting, config.takes(MAX_BYTES)
    status = _status(load) if config.free() > _LITTLE else "the disk is nearly full"
    return jsonify(
        status=status if accepts else "nothing can be stored: the disk is full or read-only",
        graders=len(load.graders),
        oldest_waiting_seconds=None if waiting is None else round(waiting.total_seconds(), 1),
        devices={
            kind: {
                "waiting": found.waiting,
                "graders": len(found.able),
                "set_aside": [grader.device for grader in found.set_aside],
            }
            for kind, found in load.devices.items()
        },
    ), 200 if accepts else 503


def _status(load: Workload) -> str:
    if load.stuck:
        return "no grader is there" + (
            "" if load.stuck == ["cpu"] else f" for {', '.join(load.stuck)}"
        )
    return "a device is set aside" if load.set_aside else "ok"


@pages.get("/metrics")
@public
def prometheus() -> Response:
    """For this machine alone, or for whoever sends the operator's token."""
    if not _may_read_metrics(current_app.config["METRICS_TOKEN"]):
        abort(403)
    text, content_type = metrics.exposition(current_app)
    return Response(text, content_type=content_type)


def _may_read_metrics(token: str | None) -> bool:
    if token is not None:
        sent = request.headers.get("Authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
    # What a proxy on this machine passes on comes from elsewhere.
    forwarded = any(name in request.headers for name in _FORWARDED)
    return not forwarded and ip_address(request.remote_addr or "::").is_loopback
