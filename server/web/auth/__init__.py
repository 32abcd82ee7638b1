"""Logging in and out, invitations, passwords, API tokens."""

from server.web.auth import sso
from server.web.auth.sessions import csrf, install
from server.web.auth.views import pages

__all__ = ["csrf", "install", "pages", "sso"]
