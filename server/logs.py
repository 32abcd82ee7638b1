"""What the server's processes tell their operator, on standard error: people are numbers there."""

from __future__ import annotations

import logging
import time
from enum import StrEnum

import click
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


option = click.option(
    "--log-format",
    type=click.Choice([word.value for word in LogFormat]),
    default=LogFormat.TEXT.value,
    envvar="GRADMARK_LOG_FORMAT",
    show_default=True,
    help="How to log, on standard error: lines to read, or one JSON object per line.",
)


def set_up(log_format: str = LogFormat.TEXT) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(LogFormat(log_format)))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a waiting request is no news


def formatter(log_format: LogFormat) -> logging.Formatter:
    if log_format is LogFormat.TEXT:
        return _TextFormatter("%(asctime)s %(name)s: %(message)s")
    return JsonFormatter(
        ("levelname", "name", "message"),
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="at",
    )


class _TextFormatter(logging.Formatter):
    """The message, and after it what JSON has as keys."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        extra = "".join(
            f" {key}={value}"
            for key, value in vars(record).items()
            if key not in RESERVED_ATTRS and value is not None
        )
        return super().formatMessage(record) + extra


class Seldom:
    """A logger for what goes on being wrong: it says so once in so many seconds."""

    def __init__(self, log: logging.Logger, seconds: float) -> None:
        self._log = log
        self._seconds = seconds
        self._next = 0.0

    def error(self, sentence: str, *about: object) -> None:
        if time.monotonic() >= self._next:
            self._log.error(sentence, *about)
            self._next = time.monotonic() + self._seconds
