"""Every error becomes a page with one sentence, never a stack trace."""

from __future__ import annotations

from flask import Flask, current_app, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

_SENTENCES = {
    400: "The server did not understand this request.",
    403: "This is not for your role in the course.",
    404: "There is no page at this address.",
    405: "This address does not take this kind of request.",
    413: "The file is larger than a submission may be, so it was not accepted.",
    415: "The upload did not arrive as a form with a file: please use the form on the page.",
    410: "What was at this address is gone.",
    422: "What was sent is incomplete or not valid, so it was not accepted.",
    429: "That was too often in a short time: please wait a minute and try again.",
    500: "Something went wrong on our side. If you were handing in a file, it was not accepted: "
    "please try again.",
    503: "The server is not ready at the moment: please try again shortly.",
}


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _page)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(Exception, _fault)


def _page(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    sentence = _SENTENCES.get(code, "The server could not answer this request.")
    return render_template("error.html", code=code, title=error.name, sentence=sentence), code


def _forged(error: CSRFError) -> tuple[str, int]:
    sentence = (
        "The form was too old or came from another site, so it was not accepted: "
        "load its page again and send it once more."
    )
    return render_template("error.html", code=400, title="Not accepted", sentence=sentence), 400


def _fault(error: Exception) -> tuple[str, int]:
    current_app.logger.exception("An unexpected error", exc_info=error)
    return _page(InternalServerError())
