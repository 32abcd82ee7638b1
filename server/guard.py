"""What every request and answer must satisfy: no forged posts, no foreign content."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A submission's address opens it, so it must not travel. Not "no-referrer": browsers would
    # then send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_READ_ONLY = {"GET", "HEAD", "OPTIONS"}


def install(app: Flask) -> None:
    app.before_request(_refuse_forged_posts)
    app.after_request(_add_headers)


def _refuse_forged_posts() -> None:
    """Refuse what another site made the browser send (CSRF).

    Browsers say where a post comes from, in `Sec-Fetch-Site` or, over plain HTTP, in `Origin`;
    a page cannot change either. What sends neither is no browser and carries no one's cookies.
    """
    if request.method in _READ_ONLY:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site in {"same-origin", "none"}
    else:
        origin = request.headers.get("Origin")
        allowed = origin is None or urlsplit(origin).netloc == request.host
    if not allowed:
        abort(403)


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
