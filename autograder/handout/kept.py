"""What students get of each assignment, to be shown and to be taken home, for those who do without
torch: a process of its own makes it, and it is kept until what it follows from changes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import AuthoringError
from autograder.topics import folder

if TYPE_CHECKING:
    from autograder.topics.catalogue import Assignment

_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes
_LESSON, _ARCHIVE = "lesson.json", "everything.zip"
_KEPT = 100  # files, the newest


@dataclass(frozen=True)
class Part:
    """Of a lesson: a piece of Markdown (`text`), the code of an `experiment`, or an `exercise`'s
    name."""

    kind: str
    content: str


@dataclass(frozen=True)
class Asked:
    """An exercise: what it is worth on the report's scale, and the code that students start from,
    empty where it asks for no function of its own."""

    name: str
    points: float
    functions: tuple[str, ...]
    code: str


@dataclass(frozen=True)
class Handout:
    """An assignment's lesson, and its exercises by name."""

    lesson: tuple[Part, ...]
    exercises: Mapping[str, Asked]


def handout(directory: Path | None, cache: Path, name: str, *, make: bool = True) -> Handout | None:
    """The lesson of the assignment of that name, and what it asks for.

    Args:
        directory: the reference folder, None for the one that comes with Gradmark.
        cache: a folder to keep it in.
        make: it if need be, which takes seconds; else None says that it is not there yet.

    Raises:
        AuthoringError: there is no such assignment, or a topic is not well formed.
        OSError: it cannot be kept.
    """
    path = _place(_LESSON, directory, cache, name)
    if not path.exists():
        if not make:
            return None
        path = _kept(_LESSON, directory, cache, name)
    return _read(path)


def archive(directory: Path | None, cache: Path, name: str) -> Path:
    """A zip of all that students get for the assignment: stubs, notebooks, self-check, README.

    Arguments and errors as of `handout`.
    """
    path = _place(_ARCHIVE, directory, cache, name)
    return path if path.exists() else _kept(_ARCHIVE, directory, cache, name)


@lru_cache(maxsize=64)
def _read(path: Path) -> Handout:
    told = json.loads(path.read_text("utf-8"))
    asked = [Asked(**{**one, "functions": tuple(one["functions"])}) for one in told["exercises"]]
    return Handout(tuple(Part(**part) for part in told["lesson"]), {one.name: one for one in asked})


def _place(what: str, directory: Path | None, cache: Path, name: str) -> Path:
    return cache / f"handout-{name}-{_key((directory or folder.DEFAULT).resolve())}-{what}"


def _kept(what: str, directory: Path | None, cache: Path, name: str) -> Path:
    """Make the file, and say where it is."""
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as made:
        draft = Path(made) / what
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(directory or folder.DEFAULT), name, str(draft)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        if done.stdout:
            raise AuthoringError(done.stdout)
        found = _place(what, directory, cache, name)  # the folder may have been edited meanwhile
        draft.replace(found)
    _drop_old(cache)
    return found


def _drop_old(cache: Path) -> None:
    with suppress(OSError):
        kept = sorted(cache.glob("handout-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[_KEPT:]:
            path.unlink()


def _key(directory: Path) -> str:
    """Of all that it follows from: the folder's code and lessons, and the engine's own code."""
    digest = hashlib.sha256(folder.state(directory).encode())
    engine = Path(__file__).parents[1]
    for path in (*sorted(directory.rglob("*.md")), *_files_of(engine)):
        with suppress(FileNotFoundError):
            digest.update(path.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _files_of(engine: Path) -> tuple[Path, ...]:
    kinds = ("**/*.py", "render/templates/release/*")
    return tuple(sorted(path for kind in kinds for path in engine.glob(kind) if path.is_file()))


# In the process that makes it.


def _make(directory: Path, name: str, draft: Path) -> None:
    from autograder.topics.catalogue import Catalogue  # which brings torch

    assignment = Catalogue.load(directory, only=name).assignments.get(name)
    if assignment is None:
        raise AuthoringError(f"there is no assignment {name!r} in {directory}")
    if draft.suffix == ".zip":
        _pack(assignment, draft)
    else:
        draft.write_text(json.dumps(_told(assignment)), "utf-8")


def _pack(assignment: Assignment, path: Path) -> None:
    from autograder.handout.release import release

    with tempfile.TemporaryDirectory(dir=path.parent) as made:
        folder_of_it = Path(made) / assignment.name
        folder_of_it.mkdir()
        files = release(assignment, folder_of_it)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in files:
                member = zipfile.ZipInfo(str(file.relative_to(made)), _ALWAYS)
                member.external_attr = 0o644 << 16
                packed.writestr(member, file.read_bytes(), zipfile.ZIP_DEFLATED)


def _told(assignment: Assignment) -> dict[str, Any]:
    from autograder.handout.stubs import stub_cells
    from autograder.topics.lesson import lesson

    parts: list[Part] = []
    asked: list[Asked] = []
    for topic in assignment.topics:
        parts += [Part(part.kind, part.content) for part in lesson(topic)]
        cells = stub_cells(topic)
        for exercise in topic.exercises:
            names = tuple(function.__name__ for function in exercise.functions)
            code = "\n\n\n".join(cells[name] for name in names if name in cells)
            asked.append(Asked(exercise.name, exercise.max_score, names, code))
    return {"lesson": [asdict(part) for part in parts], "exercises": [asdict(one) for one in asked]}


def _main() -> None:
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a topic prints when it is loaded is no part of the answer
    try:
        _make(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    except AuthoringError as error:
        os.write(answer, str(error).encode())
    except FileNotFoundError:
        if Path(sys.argv[3]).parent.exists():
            raise
        # Whoever wanted it has ended.


if __name__ == "__main__":
    _main()
