"""Which identity providers people may log in by: the file `sso.toml` in the data directory.

local_accounts = true             # whether passwords of this server's own open it, too

[[providers]]
name = "university"               # part of addresses, and of nothing that changes
title = "University login"
issuer = "https://login.example.org/realms/main"
client_id = "gradmark"
client_secret_file = "/etc/gradmark/university.secret"
link_verified_email = false       # a verified address opens the account that has it
create_accounts = true            # whoever the provider knows gets an account
roles_claim = "realm_access.roles"
roles = [{ value = "dl-assistants", course = "dl", role = "assistant" }]

[[providers]]
kind = "jupyterhub"               # a JupyterHub, whose service this server is
name = "hub"
title = "JupyterHub"
issuer = "https://hub.example.org/hub"
client_id = "service-gradmark"
client_secret_file = "/etc/gradmark/hub.secret"
names_are_addresses = false       # its user names are verified addresses
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server.storage.config import ConfigError
from server.storage.models import Role

FILE = "sso.toml"
_NAME = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True)
class RoleRule:
    """Who has `value` in the provider's claim has this role in the course."""

    value: str
    course: str  # slug
    role: Role


class Protocol(StrEnum):
    OPENID = "openid"  # OpenID Connect Core 1.0
    JUPYTERHUB = "jupyterhub"  # OAuth 2 of a hub's, and the tokens in its users' notebooks


@dataclass(frozen=True)
class Provider:
    """Who vouches for people, and what the operator grants it."""

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str
    link_verified_email: bool = False
    create_accounts: bool = True
    scopes: str = "openid email profile"
    roles_claim: str = ""
    roles: tuple[RoleRule, ...] = ()
    kind: Protocol = Protocol.OPENID
    names_are_addresses: bool = False

    @property
    def discovery(self) -> str:
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    def granted(self, claims: Mapping[str, Any]) -> list[RoleRule]:
        """The rules whose value the claim has; the claim may be a path (`realm_access.roles`)."""
        found: Any = claims
        for part in self.roles_claim.split(".") if self.roles_claim else ():
            found = found.get(part) if isinstance(found, Mapping) else None
        values = {found} if isinstance(found, str) else set(_strings(found))
        return [rule for rule in self.roles if rule.value in values]


@dataclass(frozen=True)
class SignOn:
    """How people may log in."""

    providers: Mapping[str, Provider]
    local_accounts: bool = True

    @property
    def hubs(self) -> dict[str, Provider]:
        return {n: p for n, p in self.providers.items() if p.kind is Protocol.JUPYTERHUB}


def read(data: Path) -> SignOn:
    """What the file in the data directory says; without one, passwords alone.

    Raises:
        ConfigError: it cannot be read, or says something that does not hold.
    """
    path = data / FILE
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return SignOn({})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    _known(path, "", said, {"local_accounts", "providers"})
    listed = said.get("providers", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ConfigError(f"{path}: providers is no list of tables.")
    providers = [_provider(path, number, entry) for number, entry in enumerate(listed, 1)]
    for kind in ("name", "issuer"):
        values = [getattr(provider, kind) for provider in providers]
        if len(set(values)) < len(values):
            raise ConfigError(f"{path}: two providers have the same {kind}.")
    local = said.get("local_accounts", True)
    if not isinstance(local, bool):
        raise ConfigError(f"{path}: local_accounts is true or false.")
    if not local and not providers:
        raise ConfigError(f"{path}: without local accounts and providers nobody can log in.")
    return SignOn({provider.name: provider for provider in providers}, local)


def _provider(path: Path, number: int, entry: Mapping[str, Any]) -> Provider:
    where = f"provider {number}"
    names = {field.name for field in fields(Provider)}
    _known(path, where, entry, names | {"client_secret_file"})
    said = dict(entry)
    if (secret_file := said.pop("client_secret_file", None)) is not None:
        try:
            said["client_secret"] = Path(str(secret_file)).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{path}, {where}: {secret_file} cannot be read.") from None
    for key in ("name", "title", "issuer", "client_id", "client_secret"):
        if not isinstance(said.get(key), str) or not said[key].strip():
            raise ConfigError(f"{path}, {where}: {key} is missing.")
    for key in ("scopes", "roles_claim"):
        if not isinstance(said.get(key, ""), str):
            raise ConfigError(f"{path}, {where}: {key} is no text.")
    for key in ("link_verified_email", "create_accounts", "names_are_addresses"):
        if not isinstance(said.get(key, True), bool):
            raise ConfigError(f"{path}, {where}: {key} is true or false.")
    if not _NAME.fullmatch(said["name"]):
        raise ConfigError(f"{path}, {where}: name is of lower-case letters, digits and hyphens.")
    if not is_safe(said["issuer"]):
        raise ConfigError(f"{path}, {where}: issuer is no https:// address.")
    try:
        said["kind"] = Protocol(said.get("kind", Protocol.OPENID))
    except ValueError:
        kinds = ", ".join(kind.value for kind in Protocol)
        raise ConfigError(f"{path}, {where}: kind is one of {kinds}.") from None
    said["roles"] = tuple(_rule(path, where, rule) for rule in said.get("roles", ()))
    return Provider(**said)


def _rule(path: Path, where: str, rule: object) -> RoleRule:
    if not isinstance(rule, dict) or set(rule) != {"value", "course", "role"}:
        raise ConfigError(f"{path}, {where}: a role has value, course and role.")
    try:
        return RoleRule(str(rule["value"]), str(rule["course"]), Role(rule["role"]))
    except ValueError:
        roles = ", ".join(role.value for role in Role)
        raise ConfigError(f"{path}, {where}: role is one of {roles}.") from None


def is_safe(address: str) -> bool:
    """Whether it is https, or on this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and _is_this_machine(parts.hostname or "")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _known(path: Path, where: str, said: Mapping[str, Any], names: Collection[str]) -> None:
    unknown = sorted(set(said) - set(names))
    if unknown:
        raise ConfigError(f"{path}{f', {where}' if where else ''}: there is no {unknown[0]}.")


def _strings(values: object) -> Sequence[str]:
    return [v for v in values if isinstance(v, str)] if isinstance(values, list) else []
