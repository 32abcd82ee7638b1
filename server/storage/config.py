"""Where a server keeps its data, and the key it makes for itself."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from server.storage.files import sync_directory


class ConfigError(Exception):
    """The server cannot start like this; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Config:
    data: Path
    reference: Path | None = None  # of the exercises; None: those that come with the engine
    behind_proxy: bool = False  # that speaks HTTPS: cookies travel by it only
    metrics_token: str | None = None  # what to send for /metrics; None: this machine alone may ask

    @property
    def database(self) -> Path:
        return self.data / "gradmark.db"

    @property
    def submissions(self) -> Path:
        return self.data / "submissions"

    @property
    def cache(self) -> Path:
        """What can be made anew."""
        return self.data / "cache"

    def prepare(self) -> None:
        """Make the directories, readable by nobody else.

        Raises:
            ConfigError: they cannot be made or written to.
        """
        try:
            for directory in (self.data, self.submissions):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(13, "Permission denied")
            # The data directory may be an operator's own and open: what lies in it is not.
            self.submissions.chmod(0o700)
            self.database.touch(mode=0o600)
            self.database.chmod(0o600)
        except OSError as error:
            raise ConfigError(
                f"The data directory {self.data} cannot be written to: {error.strerror}."
            ) from None

    def session_key(self) -> bytes:
        """What the browsers' cookies are signed with."""
        return _secret(self.data / "session.key")


def _secret(path: Path) -> bytes:
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails where another process was first, and then its secret holds
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        sync_directory(path.parent)
    return path.read_bytes()
