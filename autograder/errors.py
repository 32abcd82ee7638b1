"""What can be wrong with a topic."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AuthoringError(ValueError):
    """A topic is not well formed; the message says where and what to change."""


class NotInstalled(Exception):
    """What is asked for needs packages that only an extra of Gradmark's brings."""


@contextmanager
def located(where: str, path: Path) -> Iterator[None]:
    """What goes wrong in here is the topic's fault: an AuthoringError of one sentence says where.

    Args:
        path: the topic's file or folder.
    """
    try:
        yield
    except (OSError, MemoryError):  # no author can mend that
        raise
    except (Exception, SystemExit) as error:
        said = str(error).strip().partition("\n")[0] or "it says no more"
        if not isinstance(error, AuthoringError):
            said = f"{type(error).__name__}: {said}"
        raise AuthoringError(f"{where}: {said}{_line(error, path)}") from error


def _line(error: BaseException, path: Path) -> str:
    """Where in the topic it went wrong, if it did there."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(path)]
    if not own:
        return ""
    file = "" if own[-1].filename == str(path) else f"{Path(own[-1].filename).name}, "
    return f" ({file}line {own[-1].lineno})"
