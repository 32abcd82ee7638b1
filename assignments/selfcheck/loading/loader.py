"""Loads a submission from memory, statement by statement, keeping all of it that works."""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import CodeType, FrameType, ModuleType
from typing import Any

from .absent import AbsentFinder, forget
from .bindings import COMPOUND, Binding, Watched, how_bound
from .neighbours import Neighbours, importing_frame, package_of
from .outline import Defined, Worth, binds_inside, binds_unseen, defined, guarded
from .own import is_own
from .shell import Shell, display
from .source import Source
from .statements import Broken, read
from .which import preference

MAX_MESSAGE = 500
MAX_ALSO = 5
Key = tuple[str, int, int]  # a statement: its file's path, its chunk, its number therein
_MISSING = object()
# What takes no time worth speaking of, and cannot end the process.
_PLAIN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Pass)


@dataclass
class Chunk:
    """A `.py`, or a cell of a notebook."""

    file: str  # what its code says that its file is
    place: str  # how to call it: "losses.py", "cell 3"
    body: list[ast.stmt]
    names: list[list[Defined]]  # that each statement binds
    broken: list[Broken]


@dataclass
class File:
    path: PurePosixPath
    module: ModuleType
    chunks: list[Chunk]
    source: Source
    defines: frozenset[str]
    begun: bool = False
    bindings: dict[str, Binding] = field(default_factory=dict)


class Submission:
    """The files of one submission. They can import one another, in any order.

    Args:
        homes: the functions that are asked for, and the topic that each belongs to. Files that
            define none of them are loaded only where another one imports them, or where something
            is missing. Without any, all are loaded.
        skip: statements to leave out, and why: what took too long or ended the process before.
        announce: told which statement runs now, but of those that take no time.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        homes: Mapping[str, str] | None = None,
        skip: Mapping[Key, str] | None = None,
        announce: Callable[[Key], None] = lambda key: None,
    ) -> None:
        self._homes = dict(homes or {})
        self._skip = skip or {}
        self._announce = announce
        self._announced: Key | None = None
        self._loading = True
        self.problems: list[dict[str, Any]] = []
        alone = sum(source.notebook for source in sources) < 2
        self._files: dict[PurePosixPath, File] = {}
        self._by_name: dict[str, File] = {}
        for source in sources:
            file = _file(source, alone)
            name = file.module.__name__
            if name in self._by_name or (name in sys.modules and not source.notebook):
                # Two files of one name, or one that is called like a module of Python's.
                file.module.__name__ = f"{file.module.__package__}.{name}"
            self._by_name[file.module.__name__] = file
            self._files[file.path] = file
        self._chunks = {chunk.file: (f, chunk) for f in self._files.values() for chunk in f.chunks}
        self._chosen: dict[str, Callable[..., Any] | None] = {}  # by name, of what is bound
        self._guarded: dict[str, list[tuple[int, int]]] = {}  # of chunks where an import failed
        self._finders = (
            Neighbours(self._files, self._path_of, self._execute),  # type: ignore[arg-type]
            AbsentFinder(self._importing, self._is_guarded, lambda: self._loading),
        )

    def load(self) -> None:
        """Run what is handed in. What fails is noted, and everything else stays."""
        with self._installed():
            wanted = set(self._homes)
            files, topics = list(self._files.values()), set(self._homes.values())
            for file in files:
                asked = file.path.stem in topics or file.defines & (wanted | {"*"})
                if asked or not wanted:
                    self._execute(file)
            if any(self.find(name) is None for name in wanted):
                for file in files:
                    self._execute(file)
        forget()
        self._loading = False
        self._announced = None

    @contextmanager
    def _installed(self) -> Iterator[None]:
        neighbours, absent = self._finders
        sys.meta_path.insert(0, neighbours)
        sys.meta_path.append(absent)
        shell = Shell(self._run_here)
        for name, value in (("get_ipython", lambda: shell), ("display", display)):
            if not hasattr(builtins, name):
                setattr(builtins, name, value)
        yield

    def close(self) -> None:
        """Take this out of the import system."""
        self._finders[0].close()
        for finder in self._finders:
            if finder in sys.meta_path:
                sys.meta_path.remove(finder)

    # --- running

    def _execute(self, file: File) -> None:
        if file.begun:
            return
        file.begun = True
        sys.modules.setdefault(file.module.__name__, file.module)
        flags = 0
        for at, chunk in enumerate(file.chunks):
            for broken in chunk.broken:
                names = [broken.name or "*"]
                self._note(chunk.place, broken.line, broken.exception, broken.message, names)
            for number, statement in enumerate(chunk.body):
                flags |= _future(statement)
                self._step(file, at, chunk, number, statement, flags)

    def _step(
        self, file: File, at: int, chunk: Chunk, number: int, statement: ast.stmt, flags: int
    ) -> None:
        key = str(file.path), at, number
        names = chunk.names[number]
        if key in self._skip:
            why = self._skip[key]
            self._note(chunk.place, statement.lineno, "", why, _listed(names))
            return
        outer = self._announced
        if not isinstance(statement, _PLAIN) or getattr(statement, "decorator_list", None):
            self._tell(key)
        forget()
        space = file.module.__dict__
        before = {name: space[name] for name in self._homes or list(space) if name in space}
        bound: dict[str, Any] = {}
        try:
            if isinstance(statement, COMPOUND) and any(one.worth >= Worth.STUB for one in names):
                self._run(chunk, statement, flags, space, Watched(space, bound, self._is_own))
            else:
                self._run(chunk, statement, flags, space)
        except BaseException as error:
            problem = self.describe(error)
            line = problem["line"] or statement.lineno
            place = problem["place"] or chunk.place
            self._note(place, line, problem["exception"], problem["text"], _listed(names))
        for values in (bound, space) if bound else (space,):
            self._bind(file, at, chunk, statement, names, before, values)
        if outer is not None:  # this file was imported by a statement that goes on now
            self._tell(outer)

    def _tell(self, key: Key) -> None:
        if self._loading and key != self._announced:  # later on, a call is going on
            self._announced = key
            self._announce(key)

    def _run(
        self,
        chunk: Chunk,
        statement: ast.stmt,
        flags: int,
        space: dict[str, Any],
        watched: Mapping[str, Any] | None = None,
    ) -> None:
        code = _compiled(statement, chunk.file, flags)
        waiting = eval(code, space, watched)  # noqa: S307
        if code.co_flags & inspect.CO_COROUTINE:
            _finish(waiting)

    def _run_here(self, text: str) -> None:
        """Run code that a magic was given, where the magic stands."""
        frame = sys._getframe(1)
        while frame.f_back is not None and self._path_of(frame) is None:
            frame = frame.f_back
        found = self._chunks.get(frame.f_code.co_filename)
        if found is None:
            return
        file, chunk = found
        for statement in read(text)[0]:
            for node in ast.walk(statement):
                if hasattr(node, "lineno"):
                    node.lineno = node.end_lineno = frame.f_lineno  # type: ignore[attr-defined]
            self._run(chunk, statement, 0, file.module.__dict__)

    # --- names

    def _bind(
        self,
        file: File,
        at: int,
        chunk: Chunk,
        statement: ast.stmt,
        names: Sequence[Defined],
        before: Mapping[str, Any],
        values: Mapping[str, Any],
    ) -> None:
        """Keep what of these values the statement has bound names to."""
        star = any(one.name == "*" for one in names)
        for name in self._homes or list(values):
            value = values.get(name, _MISSING)
            if value is before.get(name, _MISSING) or not callable(value):
                continue
            how = how_bound(name, value, names, chunk.file)
            if how is not None and how.worth is Worth.STUB:
                worth = Worth.STUB
            elif isinstance(statement, _DEFINING):
                worth = Worth.OWN  # whatever its decorators have made of it
            elif not self._is_own(value):
                worth = Worth.OTHER
            elif (star and how is None) or (how is not None and how.worth is Worth.IMPORTED):
                worth = Worth.IMPORTED
            else:
                worth = Worth.OWN
            line = how.line if how is not None else statement.lineno
            new = Binding(
                value, worth, file.source.named.get(name) == at, str(file.path), chunk.place, line
            )
            old = file.bindings.get(name)
            if old is None or (new.worth, new.named) >= (old.worth, old.named):
                file.bindings[name] = new
                self._chosen.clear()

    def _is_own(self, value: Any) -> bool:
        return is_own(value, self._chunks.__contains__, self._is_own_module)

    def _is_own_module(self, name: str) -> bool:
        return name in self._by_name

    def find(self, name: str) -> Callable[..., Any] | None:
        """The function of that name; None when no file has one."""
        if name not in self._chosen:
            found = self._candidates(name)
            self._chosen[name] = found[0].value if found else None
        return self._chosen[name]

    def found(self) -> dict[str, list[tuple[str, str, int]]]:
        """Where each function that is asked for was taken from, as file, place and line, and where
        else it is defined, best first."""
        return {
            name: [(one.file, one.place, one.line) for one in candidates[: 1 + MAX_ALSO]]
            for name in self._homes
            if (candidates := self._candidates(name))
        }

    def _candidates(self, name: str) -> list[Binding]:
        topic = self._homes.get(name, "")

        def key(pair: tuple[File, Binding]) -> tuple[Any, ...]:
            file, binding = pair
            return (binding.worth, preference(str(file.path), file.source.modified, topic))

        pairs = [(f, f.bindings[name]) for f in self._files.values() if name in f.bindings]
        return [binding for _, binding in sorted(pairs, key=key, reverse=True)]

    # --- imports

    def _path_of(self, frame: FrameType) -> PurePosixPath | None:
        found = self._chunks.get(frame.f_code.co_filename)
        return found[0].path if found is not None else None

    def _importing(self) -> FrameType | None:
        frame = importing_frame()
        return frame if frame is not None and self._path_of(frame) is not None else None

    def _is_guarded(self, frame: FrameType) -> bool:
        name = frame.f_code.co_filename
        found = self._chunks.get(name)
        if name not in self._guarded:
            self._guarded[name] = guarded(found[1].body) if found is not None else []
        lines = self._guarded[name]
        return any(first <= frame.f_lineno <= last for first, last in lines)

    # --- problems

    def _note(
        self, place: str, line: int, exception: str, message: str, names: Sequence[str]
    ) -> None:
        self.problems.append(
            {
                "place": place,
                "exception": exception,
                "message": message[:MAX_MESSAGE],
                "line": line,
                "names": list(names),
            }
        )

    def describe(self, error: BaseException) -> dict[str, Any]:
        """The exception's nearest built-in class, its text, and the last line of the submission
        that it went through, with the place of that."""
        name = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
        file, line, trace = "", 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in self._chunks:
                file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
            trace = trace.tb_next
        text = _text(error)
        if isinstance(error, SyntaxError) and error.filename in self._chunks:
            file, line, text = str(error.filename), error.lineno or 0, error.msg
        place, cell = "", False
        if file:
            place, cell = self._chunks[file][1].place, self._chunks[file][0].source.notebook
        return {"exception": name, "text": text, "line": line, "place": place, "cell": cell}


_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _file(source: Source, alone: bool) -> File:
    path = PurePosixPath(source.where)
    module = ModuleType("__main__" if source.notebook else source.module)
    module.__package__ = package_of(path)
    if not source.notebook:
        module.__file__ = str(path)
    chunks, names = [], set()
    parts = zip(source.chunks, source.statements, strict=True)
    for at, (text, (body, broken)) in enumerate(parts):
        name = f"{path}[{at + 1}]" if source.notebook else str(path)
        linecache.cache[name] = len(text), None, text.splitlines(True), name
        inside = binds_inside(text)
        bound = [list(defined(statement, inside)) for statement in body]
        chunks.append(Chunk(name, source.place(at, alone), body, bound, broken))
        names |= (
            {one.name for statement in bound for one in statement}
            | {one.name for one in broken}
            | ({"*"} if binds_unseen(text) else set())
        )
    return File(path, module, chunks, source, frozenset(names))


def _listed(names: Sequence[Defined]) -> list[str]:
    return [one.name for one in names][:50]


def _compiled(statement: ast.stmt, file: str, flags: int) -> CodeType:
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(ast.Module([statement], []), file, "exec", flags, dont_inherit=True)
    assert isinstance(code, CodeType)  # noqa: S101
    return code


def _finish(waiting: Any) -> None:
    """Run a coroutine to its end without an event loop: there is nothing to wait for here."""
    try:
        while True:
            waiting.send(None)
    except StopIteration:
        return


def _future(statement: ast.stmt) -> int:
    """What `from __future__ import ...` changes for the statements below it."""
    flags = 0
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        for name in statement.names:
            flags |= getattr(getattr(__future__, name.name, None), "compiler_flag", 0)
    return flags


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return ""
