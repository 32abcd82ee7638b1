"""Which of several files counts, where more than one defines a function."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Preference = tuple[Any, ...]


def preference(path: str, modified: Sequence[int], topic: str) -> Preference:
    """How much a file counts for the functions of a topic: the greater, the more.

    First the file that is called like the topic, then one that has the topic in its name; of such,
    the one that lies least deep in folders, then the newest, then the last by name, where numbers
    count as numbers. A `.py` comes before a notebook.

    Args:
        path: of the file in the submission, with "/".
        modified: when it was changed last, as year, month, day and so on; empty when unknown.
    """
    folder, _, name = path.rpartition("/")
    stem, _, suffix = name.rpartition(".")
    stem, topic = stem.casefold(), topic.casefold()
    called = 2 if stem == topic else 1 if topic and topic in stem else 0
    depth = len(folder.split("/")) if folder else 0
    return called, -depth, tuple(modified), _numbers(stem), suffix == "py", path


def _numbers(text: str) -> tuple[tuple[int, int, str], ...]:
    """For ordering: "v10" comes after "v9"."""
    parts = re.findall(r"\d{1,18}|\D+", text)
    return tuple((1, int(part), "") if part[0].isdecimal() else (0, 0, part) for part in parts)
