"""What students get of each assignment, to be shown and to be taken home, for those who do without
torch: a process of its own makes it, and it is kept until what it follows from changes."""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import AuthoringError
from autograder.topics import aside, folder

if TYPE_CHECKING:
    from autograder.topics.catalogue import Assignment

_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes
_LESSON, _ARCHIVE = "lesson.json", "everything.zip"


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
    where = _where(_LESSON, directory, cache, name)
    path = where()
    if not path.exists():
        if not make:
            return None
        path = _made_and_kept(_LESSON, where, directory, name)
    return _read(path)


def archive(directory: Path | None, cache: Path, name: str) -> Path:
    """A zip of all that students get for the assignment: stubs, notebooks, self-check, README.

    Arguments and errors as of `handout`.
    """
    where = _where(_ARCHIVE, directory, cache, name)
    path = where()
    return path if path.exists() else _made_and_kept(_ARCHIVE, where, directory, name)


@lru_cache(maxsize=64)
def _read(path: Path) -> Handout:
    told = json.loads(path.read_text("utf-8"))
    asked = [Asked(**{**one, "functions": tuple(one["functions"])}) for one in told["exercises"]]
    return Handout(tuple(Part(**part) for part in told["lesson"]), {one.name: one for one in asked})


def _where(what: str, directory: Path | None, cache: Path, name: str) -> Callable[[], Path]:
    chosen = (directory or folder.DEFAULT).resolve()
    templates = Path(__file__).parents[1] / "render" / "templates" / "release"

    def where() -> Path:
        more = (*sorted(chosen.rglob("*.md")), *sorted(templates.iterdir()))
        return aside.place(f"handout-{name}-{what}", chosen, cache, more)

    return where


def _made_and_kept(what: str, where: Callable[[], Path], directory: Path | None, name: str) -> Path:
    arguments = str((directory or folder.DEFAULT).resolve()), name, what
    path, content = aside.steady(where, lambda p: (p, aside.made(__name__, *arguments)))
    aside.keep(path, content)
    return path


# In the process that makes it.


def _made(directory: Path, name: str, what: str) -> bytes:
    from autograder.topics.catalogue import Catalogue  # which brings torch

    assignment = Catalogue.load(directory, only=name).assignments.get(name)
    if assignment is None:
        raise AuthoringError(f"there is no assignment {name!r} in {directory}")
    return _packed(assignment) if what == _ARCHIVE else json.dumps(_told(assignment)).encode()


def _packed(assignment: Assignment) -> bytes:
    from autograder.handout.release import release

    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as made, zipfile.ZipFile(content, "w") as packed:
        top = Path(made) / assignment.name
        top.mkdir()
        for file in release(assignment, top):
            member = zipfile.ZipInfo(str(file.relative_to(made)), _ALWAYS)
            member.external_attr = 0o644 << 16
            packed.writestr(member, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


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


if __name__ == "__main__":
    aside.answer(lambda: _made(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
