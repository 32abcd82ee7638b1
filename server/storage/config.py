"""Where a server keeps its data."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_VARIABLE = "GRADMARK_DATABASE"  # the environment alone: a command line shows its password


_DRIVERS = {"postgresql", "postgres", "postgresql+psycopg"}


class ConfigError(Exception):
    """The server cannot start like this; the message is one sentence for the operator."""

    exit_status = 2


class DatabaseAway(ConfigError):
    """It could start if its database answered: whoever started it may try again."""

    exit_status = 4


@dataclass(frozen=True)
class Config:
    data: Path
    reference: Path | None = None  # of the exercises; None: those that come with the engine
    behind_proxy: bool = False  # that speaks HTTPS: cookies travel by it only
    metrics_token: str | None = None  # what to send for /metrics; None: this machine alone may ask
    # A PostgreSQL database's URL; None: SQLite, in the data directory.
    shared: str | None = field(
        default_factory=lambda: os.environ.get(_VARIABLE) or None, repr=False
    )

    # Whose messages wake workers: RabbitMQ's or Redis's URL.
    broker: str | None = field(
        default_factory=lambda: os.environ.get("GRADMARK_BROKER") or None, repr=False
    )

    @property
    def file(self) -> Path:
        """The embedded database."""
        return self.data / "gradmark.db"

    @property
    def database(self) -> URL:
        """
        Raises:
            ConfigError: the URL is not one of PostgreSQL's.
        """
        if self.shared is None:
            return URL.create("sqlite", database=str(self.file))
        try:
            url = make_url(self.shared)
        except ArgumentError:
            url = None
        if url is None or not url.database or url.drivername not in _DRIVERS:
            raise ConfigError(
                f"{_VARIABLE} must be an address like postgresql://user:password@host/database."
            )
        return url.set(drivername="postgresql+psycopg")

    @property
    def cache(self) -> Path:
        """What can be made anew."""
        return self.data / "cache"

    def free(self) -> int:
        """Bytes that the data directory's disk still has."""
        return shutil.disk_usage(self.data).free

    def takes(self, count: int) -> bool:
        """Whether that many bytes may be written where what is handed in is kept; what another
        server keeps is for that one to say."""
        room = os.access(self.data, os.W_OK) and self.free() > count
        return room or self.shared is not None

    def prepare(self) -> None:
        """Make the directory, and the embedded database's file readable by nobody else.

        Raises:
            ConfigError: they cannot be made or written to.
        """
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.data, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
            if self.shared is None:
                # The data directory may be an operator's own and open: what lies in it is not.
                self.file.touch(mode=0o600)
                self.file.chmod(0o600)
        except OSError as error:
            raise ConfigError(
                f"The data directory {self.data} cannot be written to: {error.strerror}."
            ) from None
