"""What the server's administrators see and do: every user, all that is kept of one, or nothing."""

from server.web.admin import outbox  # noqa: F401 - it adds its views
from server.web.admin.views import pages

__all__ = ["pages"]
