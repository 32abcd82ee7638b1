"""Find the assignments: each topic file of a reference folder is one."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.errors import AuthoringError
from autograder.exercise import Exercise, Misconception

DEFAULT = Path(__file__).resolve().parents[2] / "reference"
EVERYTHING = "all"


@dataclass(frozen=True, eq=False)
class Topic:
    """One topic file: the reference solution of an assignment and the records below it."""

    path: Path
    module: ModuleType
    source: str
    exercises: tuple[Exercise, ...]
    beside: tuple[Topic, ...] = ()  # the topics whose functions its exercises call as well

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def title(self) -> str:
        """The first line of the file's docstring."""
        return (self.module.__doc__ or self.name).strip().splitlines()[0].rstrip(".")

    def solution(self, *misconceptions: Misconception) -> str:
        """The source of the functions alone, without the records, with these edits applied."""
        parts = []
        for name, text in self._parts:
            for misconception in misconceptions:
                if name == misconception.function.__name__:
                    text = text.replace(misconception.old, misconception.new)
            parts.append(text)
        return "\n\n\n".join(parts) + "\n"

    @cached_property
    def _parts(self) -> tuple[tuple[str, str], ...]:
        """The solution's statements: the function's name, or "", and the source."""
        lines = self.source.split("\n")
        parts = []
        for node in solution_nodes(ast.parse(self.source)):
            name, first = "", node.lineno
            if isinstance(node, ast.FunctionDef):
                name = node.name
                first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
            parts.append((name, "\n".join(lines[first - 1 : node.end_lineno])))
        return tuple(parts)

    def functions(self, misconception: Misconception | None = None) -> Mapping[str, Any]:
        """The solution's functions, as they are or as a misconception has them, and those of the
        topics beside."""
        others = {name: f for topic in self.beside for name, f in topic.functions().items()}
        if misconception is None:
            return others | {name: vars(self.module)[name] for name, _ in self._parts if name}
        namespace: dict[str, Any] = {"__name__": self.name}
        # The author's own code, edited by the author: nothing of a student's comes here.
        exec(compile(self.solution(misconception), str(self.path), "exec"), namespace)  # noqa: S102
        return others | namespace

    @property
    def digest(self) -> str:
        """SHA-256 over its file and those of the topics beside."""
        return _digest((self,))

    @property
    def defined(self) -> frozenset[str]:
        """The names of the functions that it asks students to write."""
        return frozenset(f.__name__ for exercise in self.exercises for f in exercise.functions)


def solution_nodes(tree: ast.Module) -> Iterator[ast.stmt]:
    """What of a topic file belongs to the solution: functions, their imports, constants."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            if module.split(".")[0] not in {"autograder", "reference"}:
                yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            yield node


def _digest(topics: Iterable[Topic]) -> str:
    needed = {t.path for topic in topics for t in (topic, *topic.beside)}
    joined = b"".join(path.read_bytes() for path in sorted(needed))
    return hashlib.sha256(joined).hexdigest()


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
    def max_score(self) -> float:
        return sum(exercise.max_score for _, exercise in self.exercises)

    @property
    def digest(self) -> str:
        """SHA-256 over the reference files."""
        return _digest(self.topics)


@dataclass(frozen=True)
class Catalogue:
    """All assignments of a reference folder, and `all`: every topic in one."""

    assignments: Mapping[str, Assignment]

    @classmethod
    def load(cls, directory: Path | None = None) -> Catalogue:
        """Load every topic file, in alphabetical order.

        Raises:
            AuthoringError: there is none, or one is not well formed; the message says which.
        """
        directory = directory or DEFAULT
        files = sorted(directory.glob("*.py")) if directory.is_dir() else []
        topics = [_load(path) for path in files if not path.name.startswith("_")]
        topics = [_with_what_it_needs(topic, topics) for topic in topics]
        if not topics:
            raise AuthoringError(f"there are no topic files in {directory}")
        assignments = {
            topic.name: Assignment(topic.name, topic.title, (topic,)) for topic in topics
        }
        if EVERYTHING in assignments:
            raise AuthoringError(f"{EVERYTHING!r} is the name for all topics: rename the file")
        assignments[EVERYTHING] = Assignment(EVERYTHING, "Every topic in one", tuple(topics))
        return cls(assignments)

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


def _with_what_it_needs(topic: Topic, topics: Iterable[Topic]) -> Topic:
    """The topic, and beside it those that define what its checks call."""
    needed = {name for e in topic.exercises for check in e.checks for name in check.needs}
    missing = needed - topic.defined - topic.functions().keys()
    beside = [other for other in topics if other is not topic and other.defined & missing]
    unknown = missing.difference(*(other.defined for other in beside))
    if unknown:
        raise AuthoringError(
            f"{topic.path.name}: no topic file beside it defines {', '.join(sorted(unknown))}"
        )
    return replace(topic, beside=tuple(beside)) if beside else topic


def _load(path: Path) -> Topic:
    name = f"reference.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AuthoringError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # inspect.getsource and dataclasses look modules up by name
    try:
        spec.loader.exec_module(module)
    except AuthoringError as error:
        raise AuthoringError(f"{path.name}: {error}") from error
    except (Exception, SystemExit) as error:
        raise AuthoringError(f"{path.name}: {type(error).__name__}: {error}") from error
    exercises = getattr(module, "EXERCISES", None)
    if not exercises:
        raise AuthoringError(f"{path.name} has no EXERCISES")
    if not isinstance(exercises, tuple | list) or not all(
        isinstance(exercise, Exercise) for exercise in exercises
    ):
        raise AuthoringError(f"{path.name}: EXERCISES must be a tuple of Exercise(...) records")
    return Topic(path, module, inspect.getsource(module), tuple(exercises))
