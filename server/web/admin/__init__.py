"""What the server's administrators see and do: every user, all that is kept of one, or nothing."""

from server.web.admin import outbox, platforms  # noqa: F401 - they add their views
from server.web.admin.views import pages

__all__ = ["pages"]
