"""What cannot be read."""

from __future__ import annotations


class SubmissionError(ValueError):
    """The submission cannot be read; the message is one sentence for the student."""


def show(name: str) -> str:
    """A file's name in such a sentence."""
    return repr(name if len(name) <= 80 else name[:77] + "...")
