"""Logging in and out, invitations, passwords, API tokens, mail."""

from server.web.auth import mail, sso
from server.web.auth.sessions import csrf, install
from server.web.auth.views import pages

__all__ = ["csrf", "install", "mail", "pages", "sso"]
