"""LTI 1.3: course systems that this server is a tool of. Launches, rosters, grades, registration.

1EdTech's Security Framework 1.0, LTI Core 1.3, Deep Linking 2.0, Names and Roles 2.0,
Assignment and Grade Services 2.0, Dynamic Registration 1.0, Platform Storage 0.1. It needs joserfc
(`gradmark[sso]`); without it there is none of this.
"""

from importlib.util import find_spec


class LtiError(ValueError):
    """It does not hold; the message is one sentence for whoever tried, `reason` goes into the log
    and has no personal data."""

    def __init__(self, sentence: str, reason: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason or sentence


def available() -> bool:
    """Whether joserfc is installed."""
    return find_spec("joserfc") is not None


__all__ = ["LtiError", "available"]
