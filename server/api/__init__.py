"""What programs talk to: JSON, authenticated by API tokens and never by a browser's session."""

from server.api.views import pages

__all__ = ["pages"]
