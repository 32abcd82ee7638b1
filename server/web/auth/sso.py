"""Logging in by an identity provider: OAuth's code flow with PKCE, done by Authlib."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask, abort, current_app, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from server.language import _
from server.people import hubs, identities
from server.people.accounts import AccountError
from server.people.providers import Protocol, Provider, SignOn
from server.storage.config import ConfigError
from server.storage.models import User
from server.web.access import public, signed_in, user
from server.web.auth.sessions import begin, limiter, local
from server.web.problems import Problem
from server.web.services import services

if TYPE_CHECKING:
    from flask import Blueprint

log = logging.getLogger(__name__)

_TIMEOUT = 10  # seconds for an answer of the provider's
_NEXT, _LINK = "sso_next", "sso_link"


def install(app: Flask, sign_on: SignOn) -> None:
    """
    Raises:
        ConfigError: there are providers, but Authlib is not installed.
    """
    app.extensions["gradmark_sign_on"] = sign_on
    if not sign_on.providers:
        return
    try:
        from authlib.integrations.flask_client import OAuth
    except ImportError:
        raise ConfigError(
            "Logging in by a provider needs Authlib: pip install 'gradmark[sso]'."
        ) from None
    oauth = OAuth(app)
    for provider in sign_on.providers.values():
        oauth.register(
            provider.name,
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            **_addresses(provider),
        )
    app.extensions["gradmark_oauth"] = oauth


def sign_on() -> SignOn:
    """How people may log in to the application that answers the current request."""
    found = current_app.extensions["gradmark_sign_on"]
    assert isinstance(found, SignOn)  # noqa: S101 - for the type checker
    return found


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/login/<provider>", view_func=start)
    pages.add_url_rule("/login/<provider>/callback", view_func=callback)
    pages.add_url_rule("/account/identities/<provider>", view_func=link)


@limiter.limit("60 per minute")
@public
def start(provider: str) -> Response:
    """To the provider, and from there to `callback`."""
    chosen = _provider(provider)
    session.pop(_LINK, None)
    session[_NEXT] = local(request.args.get("next"))
    return _to(chosen)


@limiter.limit("60 per minute")
@signed_in
def link(provider: str) -> Response:
    """To the provider, whose word for this person will then open the account as well."""
    chosen = _provider(provider)
    session[_LINK] = user().id
    return _to(chosen)


@limiter.limit("60 per minute")
@public
def callback(provider: str) -> Response:
    """Where the provider sends people back to."""
    chosen = _provider(provider)
    claims = _claims(chosen)
    target, linking = session.pop(_NEXT, None), session.pop(_LINK, None)
    now = services().clock()
    try:
        with services().database.write() as database:
            if linking is not None:
                own = database.get_one(User, linking)
                subject = str(claims["sub"])
                identities.link(database, own, chosen.issuer, subject, at=now, actor=own)
                found = None
            else:
                found = identities.sign_in(database, chosen, claims, now)
    except AccountError as error:
        _refuse(chosen, 403, "not let in", str(error))
    if found is None:
        flash(_("%(provider)s opens your account from now on.", provider=chosen.title))
        return redirect(url_for("auth.account"), 303)
    begin(found)
    return redirect(local(target) or url_for("student.home"), 303)


def _provider(name: str) -> Provider:
    return sign_on().providers.get(name) or abort(404)


def _client(provider: Provider) -> Any:
    return current_app.extensions["gradmark_oauth"].create_client(provider.name)


def _to(provider: Provider) -> Response:
    import requests
    from authlib.common.errors import AuthlibBaseError

    address = url_for("auth.callback", provider=provider.name, _external=True)
    try:
        response: Response = _client(provider).authorize_redirect(address)
    except (requests.RequestException, AuthlibBaseError, RuntimeError, ValueError) as error:
        log.warning("sign-on by %s: cannot be reached: %s", provider.name, type(error).__name__)
        raise Problem(
            502,
            _(
                "%(provider)s cannot be reached just now: try again in a few minutes.",
                provider=provider.title,
            ),
        ) from None
    return response


def _addresses(provider: Provider) -> dict[str, Any]:
    """Where the provider is asked, and how."""
    how = {"code_challenge_method": "S256", "default_timeout": _TIMEOUT}
    if provider.kind is Protocol.OPENID:
        return {
            "server_metadata_url": provider.discovery,
            "client_kwargs": {**how, "scope": provider.scopes},
        }
    oauth = f"{provider.issuer.rstrip('/')}/api/oauth2"
    return {
        "authorize_url": f"{oauth}/authorize",
        "access_token_url": f"{oauth}/token",
        "client_kwargs": {**how, "token_endpoint_auth_method": "client_secret_post"},
    }


def _claims(provider: Provider) -> dict[str, Any]:
    """What the provider says of who comes back, once its signature and all else is right."""
    import requests
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    ask = _openid if provider.kind is Protocol.OPENID else _of_hub
    try:
        claims = ask(provider)
        if not identities.is_text(claims):
            raise ValueError("no text")
        return claims
    except (requests.RequestException, hubs.HubAway) as error:
        _refuse(
            provider,
            502,
            type(error).__name__,
            _("%(provider)s cannot be reached just now.", provider=provider.title),
        )
    except hubs.HubError as error:
        _refuse(provider, 403, type(error).__name__, str(error))
    except (AuthlibBaseError, JoseError, KeyError, ValueError, TypeError, RuntimeError) as error:
        _refuse(
            provider,
            400,
            type(error).__name__,
            _(
                "This login by %(provider)s does not hold: it was used, is too old or is not for "
                "this server. Begin again from the login page.",
                provider=provider.title,
            ),
        )


def _openid(provider: Provider) -> dict[str, Any]:
    client = _client(provider)
    options = {
        "iss": {"essential": True, "values": [provider.issuer]},
        "aud": {"essential": True, "value": provider.client_id},
    }
    token = client.authorize_access_token(claims_options=options, leeway=60)
    claims = dict(token["userinfo"])  # absent where the answer held no id token
    if "email" not in claims and "userinfo_endpoint" in client.server_metadata:
        more = dict(client.userinfo(token=token))
        if more.get("sub") == claims.get("sub"):  # OpenID Connect Core 1.0, section 5.3.2
            claims = {**more, **claims}
    return claims


def _of_hub(provider: Provider) -> dict[str, Any]:
    return hubs.claims(provider, _client(provider).authorize_access_token()["access_token"])


def _refuse(provider: Provider, code: int, why: str, sentence: str) -> NoReturn:
    log.warning("sign-on by %s refused: %s", provider.name, why)  # nothing personal
    raise Problem(code, sentence)
