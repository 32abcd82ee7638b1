"""Find the assignments: each topic of a reference folder is one, a file or a folder of files."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from autograder.errors import AuthoringError, located
from autograder.exercise import Exercise, Misconception, undefined
from autograder.topics.folder import DEFAULT, EVERYTHING, state
from autograder.topics.footing import footing
from autograder.topics.source import Statement, edited, statements

__all__ = ["DEFAULT", "EVERYTHING", "Assignment", "Catalogue", "Topic"]


@dataclass(frozen=True, eq=False)
class Topic:
    """The reference solution of an assignment and the records below it, as read from one file or
    from the files of a folder.

    Attributes:
        path: the file or the folder.
        module: the file's, or that of the folder's `__init__.py`.
        modules: all of its files', in the order of their exercises; those without any first.
        contents: of its files, as they were when the modules were made from them.
    """

    path: Path
    module: ModuleType
    modules: tuple[ModuleType, ...]
    exercises: tuple[Exercise, ...]
    contents: Mapping[Path, bytes]
    beside: tuple[Topic, ...] = ()  # the topics whose functions its exercises call as well

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def docstring(self) -> str:
        """As it is written: what Python keeps of it differs between versions."""
        tree = ast.parse(inspect.getsource(self.module))
        return ast.get_docstring(tree, clean=False) or self.name

    @property
    def title(self) -> str:
        """The docstring's first line."""
        return self.docstring.strip().splitlines()[0].rstrip(".")

    def solution(self, *misconceptions: Misconception) -> str:
        """The source of the functions alone, as one file, without the records and with these edits
        applied."""
        parts = []
        for statement in self.statements:
            text = statement.text
            for misconception in misconceptions:
                owner = misconception.function.__qualname__
                if owner.partition(".")[0] == statement.name:
                    text = edited(text, owner, misconception.old, misconception.new)
            parts.append(text)
        return "\n\n\n".join(parts) + "\n"

    def sources(self) -> Mapping[str, str]:
        """The source of each function of the solution."""
        return {s.name: s.text for s in self.statements if isinstance(s.node, ast.FunctionDef)}

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """What the solution consists of."""
        return statements(self.modules)

    def functions(self, misconception: Misconception | None = None) -> Mapping[str, Any]:
        """The solution's functions, as they are or as a misconception has them, and those of the
        topics beside."""
        others = {name: f for topic in self.beside for name, f in topic.functions().items()}
        if misconception is None:
            return others | {s.name: vars(s.module)[s.name] for s in self.statements if s.name}
        namespace: dict[str, Any] = {"__name__": self.module.__name__}
        # The author's own code, edited by the author: nothing of a student's comes here.
        exec(self._edited_code(misconception), namespace)  # noqa: S102
        return others | namespace

    @cached_property
    def _edited(self) -> dict[Misconception, CodeType]:
        return {}

    def _edited_code(self, misconception: Misconception) -> CodeType:
        """Kept: a misconception is asked about every case of every submission that is wrong."""
        if misconception not in self._edited:
            code = compile(self.solution(misconception), str(self.path), "exec")
            self._edited[misconception] = code
        return self._edited[misconception]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over its files and those of the topics beside, as they were loaded."""
        return _digest((self,))

    @cached_property
    def footing(self) -> tuple[str, ...]:
        """What all that it answers follows from but this engine, PyTorch and numpy, for those who
        keep answers: its digest, and one of what else it and the topics beside it stand on."""
        return self.digest, *(footing(one.path, one.contents) for one in (self, *self.beside))

    @property
    def homes(self) -> dict[str, str]:
        """The functions that its checks call, each with the name of the topic that asks for it."""
        asked = {topic: topic._asked for topic in (self, *self.beside)}
        homes = {name: topic.name for topic, names in asked.items() for name in names}
        needed = (name for e in self.exercises for check in e.checks for name in check.needs)
        return homes | dict.fromkeys(sorted(set(needed) - homes.keys()), self.name)

    @property
    def _asked(self) -> list[str]:
        return [f.__name__ for exercise in self.exercises for f in exercise.functions]

    @property
    def defined(self) -> frozenset[str]:
        """The names of the functions that it asks students to write."""
        return frozenset(self._asked)


def _digest(topics: Iterable[Topic]) -> str:
    needed: dict[Path, bytes] = {}
    for topic in topics:
        for one in (topic, *topic.beside):
            needed.update(one.contents)
    return hashlib.sha256(b"".join(needed[path] for path in sorted(needed))).hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


@dataclass(frozen=True)
class Assignment:
    """Exercises that are handed in and graded together."""

    name: str
    title: str
    topics: tuple[Topic, ...]

    @property
    def exercises(self) -> tuple[tuple[Topic, Exercise], ...]:
        return tuple((topic, exercise) for topic in self.topics for exercise in topic.exercises)

    @property
    def homes(self) -> dict[str, str]:
        """The functions that its checks call, each with the name of the topic that asks for it."""
        homes = {name: home for topic in self.topics for name, home in topic.homes.items()}
        return homes | {name: topic.name for topic in self.topics for name in topic._asked}

    @property
    def max_score(self) -> float:
        return sum(exercise.max_score for _, exercise in self.exercises)

    @property
    def digest(self) -> str:
        """SHA-256 over the reference files, as they were loaded."""
        return _digest(self.topics)


@dataclass(frozen=True)
class Catalogue:
    """All assignments of a reference folder, and `all`: every topic in one."""

    assignments: Mapping[str, Assignment]
    folder: Path = DEFAULT
    _as_loaded: str = ""

    @property
    def outdated(self) -> bool:
        """Whether a file of the folder has changed, came or went since they were loaded."""
        return state(self.folder) != self._as_loaded

    @classmethod
    def load(cls, directory: Path | None = None, only: str | None = None) -> Catalogue:
        """Load every topic, in alphabetical order: each file and each folder with an `__init__.py`
        whose name does not begin with an underscore.

        Args:
            only: of one assignment, for those who want no other: it alone is loaded, if it stands
                alone and there is one of that name.

        Raises:
            AuthoringError: there is none, or one is not well formed; the message says which.
        """
        directory = (directory or DEFAULT).absolute()  # as Python names the modules' files
        as_loaded = state(directory)
        paths = _paths(directory)
        topics = [_load(path) for path in paths if path.stem == only]
        if not topics or _missing(topics[0]):
            topics = [_load(path) for path in paths]
        topics = [_with_what_it_needs(topic, topics) for topic in topics]
        if not topics:
            raise AuthoringError(f"there are no topics in {directory}")
        assignments = {
            topic.name: Assignment(topic.name, topic.title, (topic,)) for topic in topics
        }
        if EVERYTHING in assignments:
            raise AuthoringError(f"{EVERYTHING!r} is the name for all topics: rename the file")
        assignments[EVERYTHING] = Assignment(EVERYTHING, "Every topic in one", tuple(topics))
        return cls(assignments, directory, as_loaded)

    def __getitem__(self, name: str) -> Assignment:
        """The assignment of that name.

        Raises:
            KeyError: there is none; the message names those that there are.
        """
        if name not in self.assignments:
            raise KeyError(
                f"there is no assignment {name!r}; there are: {', '.join(self.assignments)}"
            )
        return self.assignments[name]


@contextmanager
def _without_stale_bytecode(files: Iterable[Path]) -> Iterator[None]:
    """Python takes bytecode for that of a file by size and second: what was written just now may be
    written again within the second, so no bytecode is kept of it."""
    before = sys.dont_write_bytecode
    if any(path.stat().st_mtime > time.time() - 2 for path in files):
        sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _missing(topic: Topic) -> set[str]:
    """What its checks call and it does not define."""
    needed = {name for e in topic.exercises for check in e.checks for name in check.needs}
    return needed - topic.defined - topic.functions().keys()


def _with_what_it_needs(topic: Topic, topics: Iterable[Topic]) -> Topic:
    """The topic, and beside it those that define what its checks call."""
    missing = _missing(topic)
    beside = [other for other in topics if other is not topic and other.defined & missing]
    unknown = missing.difference(*(other.defined for other in beside))
    if unknown:
        raise AuthoringError(
            f"{topic.path.name}: no topic beside it defines {', '.join(sorted(unknown))}"
        )
    return replace(topic, beside=tuple(beside)) if beside else topic


def _paths(directory: Path) -> list[Path]:
    """The topics' files and folders."""
    files = [*directory.glob("*.py"), *(init.parent for init in directory.glob("*/__init__.py"))]
    found: dict[str, Path] = {}
    for path in files:
        if path.stem.startswith("_"):
            continue
        if path.stem in found:
            raise AuthoringError(f"{path.stem} is both a file and a folder in {directory}")
        found[path.stem] = path
    return [found[name] for name in sorted(found)]


def _load(path: Path) -> Topic:
    name = f"reference_{path.stem}"  # without a dot: no package above it is looked for
    for other in [known for known in sys.modules if known.startswith(f"{name}.")]:
        del sys.modules[other]  # of another reference folder, or an older state of this one
    first = path / "__init__.py" if path.is_dir() else path
    spec = importlib.util.spec_from_file_location(name, first)
    if spec is None or spec.loader is None:
        raise AuthoringError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # inspect.getsource and dataclasses look modules up by name
    contents = {file: file.read_bytes() for file in _files(path)}
    with located(path.name, path), _without_stale_bytecode(contents):
        spec.loader.exec_module(module)
    exercises = getattr(module, "EXERCISES", None)
    if not exercises:
        raise AuthoringError(f"{path.name} has no EXERCISES")
    if not isinstance(exercises, tuple | list) or not all(
        isinstance(exercise, Exercise) for exercise in exercises
    ):
        raise AuthoringError(f"{path.name}: EXERCISES must be a tuple of Exercise(...) records")
    for exercise in exercises:
        for function in exercise.functions:
            if function.__module__.partition(".")[0] != name:
                raise AuthoringError(
                    f"{path.name}: {exercise.name}: {function.__qualname__} of "
                    f"{function.__module__} is nothing that this topic defines"
                )
        for misconception in exercise.misconceptions:
            if names := undefined(misconception):
                raise AuthoringError(
                    f"{path.name}: {exercise.name}: misconception {misconception.name!r}: with "
                    f"{misconception.new!r} in its place, {misconception.function.__name__} reads "
                    f"{', '.join(names)}, which nothing defines"
                )
    modules = _modules(path, module, exercises)
    return Topic(path, module, modules, tuple(exercises), contents)


def _modules(
    path: Path, module: ModuleType, exercises: Sequence[Exercise]
) -> tuple[ModuleType, ...]:
    """The modules of the topic's files, in the order of their exercises.

    Raises:
        AuthoringError: a file of a folder, or an exercise in it, is left out by its `__init__.py`.
    """
    below = [m for name, m in sys.modules.items() if name.startswith(f"{module.__name__}.")]
    modules = {Path(m.__file__ or ""): m for m in (module, *below)} if path.is_dir() else {}
    for file in _files(path) if path.is_dir() else ():
        if file not in modules:
            raise AuthoringError(f"{path.name}/__init__.py does not import {file.name}")
        for exercise in getattr(modules[file], "EXERCISES", ()):
            if exercise not in exercises:
                raise AuthoringError(
                    f"{path.name}/__init__.py leaves {exercise.name} of {file.name} out"
                )
    homes = [function.__module__ for exercise in exercises for function in exercise.functions]

    def place(one: ModuleType) -> tuple[int, str]:
        return homes.index(one.__name__) if one.__name__ in homes else -1, one.__name__

    return tuple(sorted(modules.values(), key=place)) or (module,)
