"""Every error becomes a page with one sentence, never a stack trace."""

from __future__ import annotations

from flask import Flask, current_app, render_template
from werkzeug.exceptions import HTTPException, InternalServerError

_SENTENCES = {
    400: "The server did not understand this request.",
    403: "This form was sent from another site, so it was not accepted.",
    404: "There is no page at this address.",
    405: "This address does not take this kind of request.",
    413: "The file is larger than a submission may be, so it was not accepted.",
    415: "The upload did not arrive as a form with a file: please use the form on the start page.",
    422: "What was sent is incomplete or not valid, so it was not accepted.",
    500: "Something went wrong on our side. If you were handing in a file, it was not accepted: "
    "please try again.",
    503: "The server is not ready at the moment: please try again shortly.",
}


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _page)
    app.register_error_handler(Exception, _fault)


def _page(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    sentence = _SENTENCES.get(code, "The server could not answer this request.")
    return render_template("error.html", code=code, title=error.name, sentence=sentence), code


def _fault(error: Exception) -> tuple[str, int]:
    current_app.logger.exception("An unexpected error", exc_info=error)
    return _page(InternalServerError())
