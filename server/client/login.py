"""The server that one is logged in to, kept for the next command."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
from platformdirs import user_config_path

from server.client.errors import Misuse, Refused

_LOCAL = {"localhost", "127.0.0.1", "::1"}


class NotLoggedIn(Misuse):
    """There is neither a token in the environment nor a kept one."""


@dataclass(frozen=True)
class Login:
    url: str
    token: str = field(repr=False)

    @property
    def in_the_clear(self) -> bool:
        """Whether others on the way can read the token."""
        url = httpx.URL(self.url)
        return url.scheme == "http" and url.host not in _LOCAL


def address(text: str) -> str:
    """A server's address as it is kept: https unless it says otherwise.

    Raises:
        Misuse: it is none.
    """
    text = text.strip()
    try:
        url = httpx.URL(text if "://" in text else f"https://{text}")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.userinfo:
        raise Misuse(f"{text!r} is no address of a server: give it as https://gradmark.example.org")
    return str(url).rstrip("/")


def load() -> Login:
    """By the environment, as in CI, or else by `gradmark login`.

    Raises:
        NotLoggedIn: by neither.
        Misuse: what there is cannot be used.
    """
    token = os.environ.get("GRADMARK_TOKEN", "").strip()
    if token:
        if not os.environ.get("GRADMARK_URL"):
            raise Misuse("GRADMARK_TOKEN is set: set GRADMARK_URL to the server's address, too.")
        return Login(address(os.environ["GRADMARK_URL"]), token)
    try:
        return Login(**json.loads(_path().read_text("utf-8")))
    except FileNotFoundError:
        raise NotLoggedIn("You are not logged in: `gradmark login URL` does it.") from None
    except (OSError, ValueError, TypeError):
        raise Misuse(f"{_path()} cannot be read: log in again with `gradmark login URL`.") from None


def save(login: Login) -> None:
    """Keep it where only its owner can read it.

    Raises:
        Refused: it cannot be written.
    """
    path = _path()
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(login), file)
        draft.replace(path)
    except OSError as error:
        raise Refused(f"The login cannot be kept in {path}: {error.strerror}.") from None


def forget() -> None:
    _path().unlink(missing_ok=True)


def _path() -> Path:
    return user_config_path("gradmark", appauthor=False) / "login.json"
