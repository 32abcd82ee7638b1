"""`mail.toml`: by which server mail is sent, as whom, and under which address this one is found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server.people.accounts import AccountError, normal_email
from server.people.providers import is_safe
from server.storage.config import ConfigError

FILE = "mail.toml"


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@dataclass(frozen=True)
class Settings:
    host: str
    sender: str  # "Gradmark <gradmark@example.org>"
    url: str  # of this server, as its users type it; without a slash at the end
    security: Security = Security.STARTTLS
    port: int = 0  # 0: the usual one
    username: str = ""
    password: str = field(default="", repr=False)
    reply_to: str = ""

    @property
    def address(self) -> str:
        return parseaddr(self.sender)[1]


def read(data: Path) -> Settings | None:
    """What the file in the data directory says; without one, no mail is sent.

    Raises:
        ConfigError: it cannot be read, or says something that does not hold.
    """
    path = data / FILE
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    try:
        return _settings(said)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _settings(said: dict[str, Any]) -> Settings:
    names = {field.name for field in fields(Settings)} | {"password_file"}
    if unknown := sorted(set(said) - names):
        raise ValueError(f"there is no {unknown[0]}; there are {', '.join(sorted(names))}.")
    if "password_file" in said:
        file = said.pop("password_file")
        try:
            said["password"] = Path(str(file)).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"{file} cannot be read.") from None
    texts = {name: _text(said, name) for name in names & set(said) if name != "port"}
    for name in ("host", "sender", "url"):
        if not texts.get(name):
            raise ValueError(f"{name} is missing.")
    _address(texts["sender"], "sender")
    if texts.get("reply_to"):
        _address(texts["reply_to"], "reply_to")
    if not is_safe(texts["url"]) or urlsplit(texts["url"]).query:
        raise ValueError("url is no https:// address.")
    return _whole(said, texts)


def _whole(said: Mapping[str, Any], texts: dict[str, str]) -> Settings:
    word = texts.pop("security", Security.STARTTLS.value)
    if word not in list(Security):
        raise ValueError(f"security is one of {', '.join(Security)}.")
    security = Security(word)
    port = said.get("port", _PORTS[security])
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise ValueError("port is a number from 1 to 65535.")
    in_the_clear = security is Security.NONE and not is_safe(f"http://{texts['host']}")
    if texts.get("username") and in_the_clear:
        raise ValueError(f"a password is not sent in the clear to {texts['host']}: use starttls.")
    texts["url"] = texts["url"].rstrip("/")
    return Settings(**texts, security=security, port=port)


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said[name]
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{name} is no text of one line.")
    return value.strip()


def _address(text: str, name: str) -> None:
    try:
        normal_email(parseaddr(text)[1])
    except AccountError:
        raise ValueError(f"{name} is no e-mail address.") from None
