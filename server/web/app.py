"""The application factory."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from autograder.handin.submission import MAX_BYTES, MAX_CODE
from server.clock import Clock
from server.engine import Engine
from server.grades.background import Background
from server.grading.bells import Ringer
from server.grading.queue import Queue
from server.mail import settings as mail_settings
from server.people import providers
from server.storage.config import Config
from server.storage.database import Database
from server.storage.files import Files
from server.web import (
    access,
    admin,
    api,
    auth,
    errors,
    filters,
    guard,
    health,
    instructor,
    languages,
    lti,
    student,
    traffic,
)
from server.web.kept import Kept
from server.web.metrics import Metrics
from server.web.services import Services

_FORM_OVERHEAD = 64 * 1024  # of the form around the file; the engine judges the file itself


def create_app(config: Config, engine: Engine, clock: Clock | None = None) -> Flask:
    """The server over the data in `config.data`, its database brought up to date.

    Raises:
        ConfigError: the data directory or the database cannot be used.
    """
    config.prepare()
    database = Database(config.database)
    database.migrate()
    clock = clock or database.clock

    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=database.key("session"),
        MAX_CONTENT_LENGTH=MAX_BYTES + _FORM_OVERHEAD,
        MAX_FORM_MEMORY_SIZE=MAX_CODE + _FORM_OVERHEAD,  # pasted code may be as long as other code
        SESSION_COOKIE_NAME="gradmark",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.behind_proxy,
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        METRICS_TOKEN=config.metrics_token,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session: an open page stays good
    )
    ring = None if config.broker is None else Ringer(config.broker)
    queue = Queue(database, clock=clock, ring=ring)
    files = Files(database)
    background, kept = Background(config), Kept(database)
    Services(engine, config, database, files, queue, clock, background, kept).install(app)
    filters.install(app)
    Metrics(database, clock).install(app)
    traffic.install(app)
    guard.install(app)
    errors.install(app)
    languages.install(app)
    access.install(app)  # before the limits, which count by who it is that asks
    auth.install(app)
    auth.sso.install(app, providers.read(config.data))
    auth.mail.install(app, mail_settings.read(config.data))
    for part in (health, auth, student, instructor, admin):
        app.register_blueprint(part.pages)
    app.register_blueprint(instructor.making.pages)
    api.install(app)
    lti.install(app)
    return app
