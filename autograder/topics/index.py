"""What the assignments are called and what they are worth, for those who do without torch.

A process of its own loads the topics and tells. What it told is kept, under a digest of all that it
follows from: the reference folder's files and the engine's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.errors import AuthoringError
from autograder.topics import folder

_TRIES = 3  # while the files are being edited


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
    directory = directory or folder.DEFAULT
    for _ in range(_TRIES):
        state = folder.state(directory)
        path = cache / f"index-{_digest(state)}.json"
        with suppress(OSError, ValueError, KeyError, TypeError):
            return _read(path.read_text("utf-8"))
        text = _told(directory)
        if folder.state(directory) == state:
            _keep(path, text)
            return _read(text)
    raise AuthoringError(f"the files in {directory} are being changed all the time")


def once(what: str, directory: Path | None, cache: Path, do: Callable[[], None]) -> None:
    """Do what raises nothing where all is well, unless it was done with these very files before."""
    seen = cache / f"{what}-{_digest(folder.state(directory or folder.DEFAULT))}.json"
    if not seen.exists():
        do()
        _keep(seen, "true")


def _read(text: str) -> dict[str, Entry]:
    return {
        node["name"]: Entry(**{**node, "exercises": tuple(Row(**row) for row in node["exercises"])})
        for node in json.loads(text)
    }


def _digest(state: str) -> str:
    digest = hashlib.sha256(state.encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _told(directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(directory.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    if "error" in told:
        raise AuthoringError(told["error"])
    return json.dumps(told["entries"])


def _keep(path: Path, text: str) -> None:
    """As far as there is room: what cannot be kept is told again."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(text, "utf-8")
        draft.replace(path)


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


def _main() -> None:
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a topic prints when it is loaded is no part of the answer
    try:
        told: dict[str, Any] = {"entries": _entries(Path(sys.argv[1]))}
    except AuthoringError as error:
        told = {"error": str(error)}
    os.write(answer, json.dumps(told).encode())


if __name__ == "__main__":
    _main()
