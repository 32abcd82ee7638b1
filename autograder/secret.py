"""What Gradmark keeps for its user: the secret that hidden cases are drawn from, and a cache."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from autograder.errors import AuthoringError


def own_cache() -> Path:
    """The folder for what can be made anew."""
    return _own_folder() / "cache"


def read_secret(path: Path | None) -> bytes:
    """The secret in a file, made (readable by its owner only) when it is missing.

    Raises:
        OSError: it can be neither read nor made.
        AuthoringError: it is too short to be a secret.
    """
    path = path or _own_folder() / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    secret = path.read_bytes()
    if len(secret) < 16:
        raise AuthoringError(f"{path} holds fewer than 16 bytes, which is no secret")
    return secret


def _own_folder() -> Path:
    return Path(click.get_app_dir("gradmark"))
