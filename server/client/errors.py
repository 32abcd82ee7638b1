"""What ends a command: one sentence, and an exit code."""

from __future__ import annotations

import click


class Misuse(click.ClickException):
    """The command line is not right."""

    exit_code = 2


class Refused(click.ClickException):
    """The server does not do it."""

    exit_code = 3


class Unreachable(Refused):
    """The server does not answer, or not now."""
