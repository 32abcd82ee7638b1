"""What programs talk to: JSON, authenticated by API tokens and never by a browser's session."""

from flask import Flask

from server.web.api import (  # noqa: F401 - they add their views
    account,
    courses,
    deliveries,
    grades,
    results,
    submissions,
)
from server.web.api.blueprint import pages
from server.web.api.document import Api
from server.web.auth import csrf


def install(app: Flask) -> None:
    Api(app).register_blueprint(pages)
    csrf.exempt(pages)  # it takes no cookie, so nothing can be forged


__all__ = ["install"]
