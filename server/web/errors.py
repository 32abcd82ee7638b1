"""Every error becomes one sentence, never a stack trace: on a page, or for programs in a problem
document."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from autograder.handin.submission import MAX_BYTES
from autograder.reading import SandboxFault, SandboxUnavailable
from server.storage.database import is_away, is_full
from server.storage.files import FileGone
from server.web import problems
from server.web.problems import Problem

_SENTENCES = {
    400: "The server did not understand this request.",
    403: "This is not for your role in the course.",
    404: "There is no page at this address.",
    405: "This address does not take this kind of request.",
    413: f"The file is larger than a submission may be, which is {MAX_BYTES // 2**20} MiB, so it "
    "was not accepted.",
    415: "The upload did not arrive as a form with a file: please use the form on the page.",
    410: "What was at this address is gone.",
    422: "What was sent is incomplete or not valid, so it was not accepted.",
    429: "That was too often in a short time: please wait a minute and try again.",
    500: "Something went wrong on our side. If you were handing in a file, it was not accepted: "
    "please try again.",
    503: "The server is not ready at the moment: please try again shortly.",
}


_FULL = (
    "The server's disk is full or read-only, so nothing can be stored at the moment. If you were "
    "handing in a file, it was not accepted: please try again later."
)
_GONE = (
    "What was handed in cannot be read on the server at the moment. This is a fault on our side, "
    "and it changes no grade: please tell the staff of your course."
)


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(FileGone, _gone)
    app.register_error_handler(Exception, _fault)
    for kind in (SandboxFault, SandboxUnavailable):  # nothing that was handed in can be read
        app.register_error_handler(kind, _unready)


def _answer(error: HTTPException) -> Response:
    programs = request.path.startswith(problems.ROOT)
    response = problems.document(error) if programs else _page(error)
    for name, value in error.get_headers():  # Allow, WWW-Authenticate
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _page(error: HTTPException) -> Response:
    code = error.code or 500
    if isinstance(error, Problem):
        sentence = error.detail
    else:
        sentence = _SENTENCES.get(code, "The server could not answer this request.")
    page = render_template(
        "error.html", code=code, title=error.name, sentence=sentence, back=_form()
    )
    return make_response(page, code)


def _form() -> str | None:
    """The page that the refused form stands on, if that is one of ours."""
    sent_from = request.referrer or ""
    ours = urlsplit(sent_from).netloc == request.host
    return sent_from if request.method == "POST" and ours else None


def _forged(error: CSRFError) -> tuple[str, int]:
    sentence = (
        "The form was too old or came from another site, so it was not accepted: "
        "load its page again and send it once more."
    )
    return render_template("error.html", code=400, title="Not accepted", sentence=sentence), 400


def _gone(error: FileGone) -> Response:
    current_app.logger.error("A stored file cannot be read: %s", error)
    return _answer(Problem(503, _GONE))


def _unready(error: Exception) -> Response:
    current_app.logger.error("Nothing can be read: %s", error)
    return _answer(ServiceUnavailable())


def _fault(error: Exception) -> Response:
    if is_away(error):
        current_app.logger.error("The database does not answer: %s", error)
        return _answer(ServiceUnavailable())
    current_app.logger.exception("An unexpected error", exc_info=error)
    return _answer(Problem(507, _FULL) if is_full(error) else InternalServerError())
