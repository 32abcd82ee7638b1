"""What the assignments are called and what they are worth, for those who do without torch.

A process of its own loads the topics and tells.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autograder.topics import aside, folder


@dataclass(frozen=True)
class Row:
    """An exercise, and how many checks, cases and misconceptions it has."""

    topic: str
    name: str
    points: float
    checks: int
    cases: int
    misconceptions: int


@dataclass(frozen=True)
class Entry:
    """An assignment. `digest` is that of the reference it is graded by."""

    name: str
    title: str
    max_score: float
    digest: str
    homes: Mapping[str, str]  # the functions that it calls, each with the topic that asks for it
    exercises: tuple[Row, ...]


def index(directory: Path | None, cache: Path) -> Mapping[str, Entry]:
    """The assignments of a reference folder by name, `all` among them.

    Args:
        directory: None for the one that comes with Gradmark.
        cache: a folder to keep it in, for the next time.

    Raises:
        AuthoringError: there is no topic, or one is not well formed; the message says which.
    """
    chosen = directory or folder.DEFAULT
    where = partial(aside.place, "index.json", chosen, cache)
    with suppress(OSError, ValueError, KeyError, TypeError):
        return _kept(where())
    path, told = aside.steady(
        where, lambda path: (path, aside.made(__name__, str(chosen.resolve())))
    )
    with suppress(OSError):  # what cannot be kept is told again
        aside.keep(path, told)
    return _read(told)


def once(what: str, directory: Path | None, cache: Path, do: Callable[[], None]) -> None:
    """Do what raises nothing where all is well, unless it was done with these very files before."""
    seen = aside.place(f"{what}.json", directory or folder.DEFAULT, cache)
    if not seen.exists():
        do()
        with suppress(OSError):
            aside.keep(seen, b"true")


@lru_cache(maxsize=4)
def _kept(path: Path) -> Mapping[str, Entry]:
    """What lies there follows from the path, which holds a digest."""
    return _read(path.read_bytes())


def _read(told: bytes) -> Mapping[str, Entry]:
    entries = {
        node["name"]: Entry(**{**node, "exercises": tuple(Row(**row) for row in node["exercises"])})
        for node in json.loads(told)
    }
    return MappingProxyType(entries)


# In the process that tells.


def _entries(directory: Path) -> list[dict[str, Any]]:
    from autograder.topics.catalogue import Catalogue  # which brings torch

    return [
        asdict(
            Entry(
                assignment.name,
                assignment.title,
                assignment.max_score,
                assignment.digest,
                assignment.homes,
                tuple(
                    Row(
                        topic.name,
                        exercise.name,
                        exercise.max_score,
                        len(exercise.checks),
                        sum(len(check.cases) for check in exercise.checks),
                        len(exercise.misconceptions),
                    )
                    for topic, exercise in assignment.exercises
                ),
            )
        )
        for assignment in Catalogue.load(directory).assignments.values()
    ]


if __name__ == "__main__":
    aside.answer(lambda: json.dumps(_entries(Path(sys.argv[1]))).encode())
