"""The self-check of one exercise in a notebook, on the functions that its cells define."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .codec import loads
from .selfcheck import Item, items_of, problem, unseen
from .summary import in_words

_GREEN, _RED, _BOLD, _END = "\033[32m", "\033[31m", "\033[1m", "\033[0m"


class SelfCheckFailed(AssertionError):
    """Raised only for `nbgrader validate`, which asks for an exception; it shows no stack trace."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(exercise: str, functions: Mapping[str, Any]) -> None:
    """Print what the public cases of the exercise say about the functions of that mapping.

    Args:
        exercise: its name, such as "batch_norm".
        functions: by name; in a notebook `globals()`.

    Raises:
        SelfCheckFailed: something is wrong and `nbgrader validate` is asking.
        ValueError: there is no such exercise in the folder's data.
    """
    found: list[tuple[Item, str]] = []
    items = _items(exercise)
    for item in (item for item in items if item.exercise == exercise):
        with contextlib.redirect_stderr(io.StringIO()):  # nbgrader takes any warning for an error
            found.append((item, problem(item, functions, others=items)))
    got = sum(item.points for item, message in found if not message)
    most = sum(item.points for item, _ in found)
    total = f"{exercise}: {got:g} of {most:g} points here."
    more = unseen(item for item, _ in found)
    summary = "\n".join([*_lines(found), f"{_BOLD}{_colour(got, most)}{total}{_END} {more}"])
    wrong = any(message for _, message in found)
    if wrong and os.environ.get("NBGRADER_EXECUTION") == "validate":
        raise SelfCheckFailed(summary)
    print(summary)


def _lines(found: list[tuple[Item, str]]) -> list[str]:
    """A line per item, and in words what is right; one line when all fail for one reason."""
    messages = {message for _, message in found}
    if len(messages) == 1 and len(found) > 1 and "" not in messages:
        return [f"{_RED}✗{_END} all {len(found)} checks\n    {messages.pop()}"]
    lines = [_line(item, message) for item, message in found]
    if messages != {""}:
        lines.append(in_words((item.row, not message) for item, message in found if item.points))
    return lines


def _items(exercise: str) -> list[Item]:
    """Those of the exercise's topic."""
    names = []
    for path in sorted(Path(__file__).parent.glob("*.json")):
        data = loads(path.read_text("utf-8"))
        if any(entry["name"] == exercise for entry in data):
            return items_of(data)
        names += [entry["name"] for entry in data]
    raise ValueError(f"there is no exercise {exercise!r} here; there are: {', '.join(names)}")


def _line(item: Item, message: str) -> str:
    got = 0.0 if message else item.points
    points = f"  {got:g} of {item.points:g}" if item.points else ""  # some only help
    if not message:
        return f"{_GREEN}✓{_END} {item.row}{points}"
    return f"{_RED}✗{_END} {item.row}{points}\n    {message}"


def _colour(got: float, most: float) -> str:
    return _GREEN if got == most else _RED
