"""Where people come in from course systems: launches, deep links, registration."""

from flask import Flask

from server import lti
from server.web.auth import csrf


def install(app: Flask) -> None:
    """Nothing of it where joserfc is not installed."""
    if not lti.available():
        return
    from server.web.lti import choosing, registering, views  # noqa: F401 - they add their views
    from server.web.lti.blueprint import pages

    for view in (views.login, views.launch, views.finish, views.enter):
        csrf.exempt(view)  # other sites send these; what they bring is signed
    app.register_blueprint(pages)


__all__ = ["install"]
