"""What every answer must satisfy: no foreign content, and no other site around it, but for course
systems that are registered and around the sessions that began there."""

from __future__ import annotations

from flask import Flask, Response, abort, g, request

from server.web import frames

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action {forms}; base-uri 'none'; "
    "frame-ancestors {ancestors}"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # An invitation's address opens it, so it must not travel. Not "no-referrer": forms sent over
    # HTTPS are checked by it, too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def install(app: Flask) -> None:
    app.session_interface = frames.Sessions()
    app.before_request(_refuse_nul)
    app.after_request(_add_headers)


def _refuse_nul() -> None:
    """No database keeps it in a text. What is handed in is looked at elsewhere."""
    if "\0" in request.path:
        abort(404)
    if any("\0" in value for _, value in request.args.items(multi=True)):
        abort(422)


def send_forms_to(origin: str) -> None:
    """This answer's forms may go there, too."""
    g.forms = origin


def _add_headers(response: Response) -> Response:
    around = [] if request.endpoint in ("static", None) else frames.allowed()
    forms = " ".join(["'self'", *([g.forms] if "forms" in g else [])])
    policy = _POLICY.format(forms=forms, ancestors=" ".join(around) or "'none'")
    response.headers.setdefault("Content-Security-Policy", policy)
    if not around:
        response.headers.setdefault("X-Frame-Options", "DENY")
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static" and not response.cache_control.public:
        # Nothing of a person stays on a computer that others use, nor comes back after logging out.
        response.headers["Cache-Control"] = "private, no-store"
    return response
