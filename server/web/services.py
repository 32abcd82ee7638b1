"""What the pages work with, kept on the application that they belong to."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from server.clock import Clock
from server.engine import Engine
from server.grades.background import Background
from server.grading.queue import Queue
from server.storage.config import Config
from server.storage.database import Database
from server.storage.files import Files
from server.web.kept import Kept


@dataclass(frozen=True)
class Services:
    engine: Engine
    config: Config
    database: Database
    files: Files
    queue: Queue
    clock: Clock
    background: Background
    kept: Kept

    def install(self, app: Flask) -> None:
        app.extensions["gradmark"] = self


def services() -> Services:
    """Those of the application that answers the current request."""
    found = current_app.extensions["gradmark"]
    assert isinstance(found, Services)  # noqa: S101 - for the type checker
    return found
