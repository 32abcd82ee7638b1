"""Watch a submission until it is graded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from server.client.errors import Unreachable
from server.client.server import Server

_SOON, _FAR = 0.7, 3.0  # seconds between two looks: far back in the queue, little happens
_PATIENCE = 120.0  # seconds for which a server that does not answer is asked again


def follow(
    server: Server, path: str, show: Callable[[str, int, int | None], None]
) -> dict[str, Any]:
    """The submission at `path` once its state is final.

    Args:
        show: told what happens, how much of it is done, and of how much, if that is known.

    Raises:
        Unreachable: the server did not answer for long.
    """
    answered = time.monotonic()
    while True:
        try:
            submission: dict[str, Any] = server.get(path)
        except Unreachable:
            if time.monotonic() - answered > _PATIENCE:
                raise
            show("no answer; trying again", 0, None)
            time.sleep(_FAR)
            continue
        answered = time.monotonic()
        if submission["final"]:
            return submission
        show(*situation(submission))
        time.sleep(_FAR if (submission["position"] or 0) > 3 else _SOON)


def situation(submission: dict[str, Any]) -> tuple[str, int, int | None]:
    """Where a submission stands that is not graded yet, in the terms of a progress bar."""
    progress = submission["progress"]
    if submission["state"] == "grading":
        return (
            progress["exercise"] or "grading has begun",
            progress["done"],
            progress["total"] or None,
        )
    if submission.get("graders") == 0:
        return "no grader is running; it is graded as soon as there is one", 0, None
    ahead = submission["position"] - 1
    return ("yours is next" if ahead == 0 else f"waiting, {ahead} before yours"), 0, None
