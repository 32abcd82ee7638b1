"""Every error becomes one sentence, never a stack trace: on a page, or for programs in a problem
document."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from autograder.handin.submission import MAX_BYTES
from autograder.reading import SandboxFault, SandboxUnavailable
from server.language import N_, _
from server.storage.database import is_away, is_full
from server.storage.files import FileGone
from server.web import problems
from server.web.problems import Problem

_SENTENCES = {
    400: N_("The server did not understand this request."),
    403: N_("This is not for your role in the course."),
    404: N_("There is no page at this address."),
    405: N_("This address does not take this kind of request."),
    413: N_(
        "The file is larger than a submission may be, which is %(size)s MiB, so it was not "
        "accepted."
    ),
    415: N_("The upload did not arrive as a form with a file: please use the form on the page."),
    410: N_("What was at this address is gone."),
    422: N_("What was sent is incomplete or not valid, so it was not accepted."),
    429: N_("That was too often in a short time: please wait a minute and try again."),
    500: N_(
        "Something went wrong on our side. If you were handing in a file, it was not accepted: "
        "please try again."
    ),
    503: N_("The server is not ready at the moment: please try again shortly."),
}
_TITLES = {
    400: N_("Bad request"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    409: N_("Not now"),
    410: N_("Gone"),
    413: N_("Too large"),
    422: N_("Not valid"),
    429: N_("Too often"),
}


_FULL = N_(
    "The server's disk is full or read-only, so nothing can be stored at the moment. If you were "
    "handing in a file, it was not accepted: please try again later."
)
_GONE = N_(
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
        unknown = N_("The server could not answer this request.")
        sentence = _(_SENTENCES.get(code, unknown), size=MAX_BYTES // 2**20)
    page = render_template(
        "error.html", code=code, title=_title(error), sentence=sentence, back=_form()
    )
    return make_response(page, code)


def _title(error: HTTPException) -> str:
    if error.code in _TITLES:
        return _(_TITLES[error.code])
    return _("Our fault") if (error.code or 500) >= 500 else str(error.name)


def _form() -> str | None:
    """The page that the refused form stands on, if that is one of ours."""
    sent_from = request.referrer or ""
    ours = urlsplit(sent_from).netloc == request.host
    return sent_from if request.method == "POST" and ours else None


def _forged(error: CSRFError) -> tuple[str, int]:
    sentence = _(
        "The form was too old or came from another site, so it was not accepted: load its page "
        "again and send it once more."
    )
    return render_template("error.html", code=400, title=_("Not accepted"), sentence=sentence), 400


def _gone(error: FileGone) -> Response:
    current_app.logger.error("A stored file cannot be read: %s", error)
    return _answer(Problem(503, _(_GONE)))


def _unready(error: Exception) -> Response:
    current_app.logger.error("Nothing can be read: %s", error)
    return _answer(ServiceUnavailable())


def _fault(error: Exception) -> Response:
    if is_away(error):
        current_app.logger.error("The database does not answer: %s", error)
        return _answer(ServiceUnavailable())
    current_app.logger.exception("An unexpected error", exc_info=error)
    return _answer(Problem(507, _(_FULL)) if is_full(error) else InternalServerError())
