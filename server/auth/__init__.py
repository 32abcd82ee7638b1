"""Logging in and out, invitations, passwords, API tokens."""

from server.auth.sessions import csrf, install
from server.auth.views import pages

__all__ = ["csrf", "install", "pages"]
