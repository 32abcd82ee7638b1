"""The course's secret, from which hidden cases are drawn."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from autograder.errors import AuthoringError


def own_folder() -> Path:
    """What Gradmark keeps for whoever runs it."""
    return Path(click.get_app_dir("gradmark"))


def read_secret(path: Path | None) -> bytes:
    """The secret in a file, made (readable by its owner only) when it is missing.

    Raises:
        OSError: it can be neither read nor made.
        AuthoringError: it is too short to be a secret.
    """
    path = path or own_folder() / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    secret = path.read_bytes()
    if len(secret) < 16:
        raise AuthoringError(f"{path} holds fewer than 16 bytes, which is no secret")
    return secret
