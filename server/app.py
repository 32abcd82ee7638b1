"""The application factory."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from autograder.submission import MAX_BYTES
from server import errors, guard, health, student
from server.config import Config
from server.database import Database
from server.engine import Engine
from server.files import Files
from server.queue import Queue
from server.services import Services

_FORM_OVERHEAD = 64 * 1024  # of the form around the file; the engine judges the file itself


def create_app(config: Config, engine: Engine) -> Flask:
    """The server over the data in `config.data`, its database brought up to date.

    Raises:
        ConfigError: the data directory cannot be used.
    """
    config.prepare()
    database = Database(config.database)
    database.migrate()

    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=config.session_key(),
        MAX_CONTENT_LENGTH=MAX_BYTES + _FORM_OVERHEAD,
        SESSION_COOKIE_NAME="gradmark",
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=180),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )
    Services(engine, database, Queue(database, Files(config.submissions))).install(app)
    guard.install(app)
    errors.install(app)
    app.register_blueprint(health.pages)
    app.register_blueprint(student.pages)
    return app
