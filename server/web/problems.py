"""Errors as the API tells them: problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response, jsonify
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

MEDIA_TYPE = "application/problem+json"
ROOT = "/api/"  # below it errors are told to programs

_SENTENCES = {
    400: "The server did not understand this request.",
    403: "This is not for your role in the course.",
    404: "There is nothing at this address, or it is not yours to see.",
    405: "This address does not take this kind of request.",
    413: "What was sent is larger than a submission may be, so it was not accepted.",
    422: "What was sent is incomplete or not valid.",
    429: "That was too often in a short time: please wait a minute and try again.",
    500: "Something went wrong on our side. If you were handing in, it was not accepted: "
    "please try again.",
    503: "The server is not ready at the moment: please try again shortly.",
}


class Problem(HTTPException):
    """A request that is refused, with the sentence that says why, to programs and on pages."""

    def __init__(self, code: int, detail: str, challenge: WWWAuthenticate | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self._challenge = challenge

    def get_headers(self, *arguments: Any) -> list[tuple[str, str]]:
        challenge = [("WWW-Authenticate", str(self._challenge))] if self._challenge else []
        return [*super().get_headers(*arguments), *challenge]


def document(error: HTTPException) -> Response:
    """The answer that tells a program of the error."""
    code = error.code or 500
    problem = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES.get(code, "Unknown"),
        "status": code,
        "detail": error.detail
        if isinstance(error, Problem)
        else _SENTENCES.get(code, "The server could not answer this request."),
    }
    messages = getattr(error, "data", {}).get("messages")  # of webargs: which field, and why
    if messages:
        problem["errors"] = list(_flat(messages, ()))
    response = jsonify(problem)
    response.status_code = code
    response.mimetype = MEDIA_TYPE
    return response


def _flat(messages: Any, path: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _flat(inner, (*path, str(name)))
    elif isinstance(messages, Sequence) and not isinstance(messages, str):
        for inner in messages:
            yield from _flat(inner, path)
    else:
        location, *field = path or ("request",)
        yield {"in": location, "field": ".".join(field), "detail": str(messages)}
