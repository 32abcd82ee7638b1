"""Loads a submission's modules from memory, keeping all of it that works."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import re
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType
from typing import Any

from . import wire
from .absent import AbsentFinder

# Cell magics that run their cell as Python; under any other, the cell is something else.
_RUNNING_MAGICS = {"time", "timeit", "capture", "prun"}
_MAGIC_LINE = re.compile(r"(?P<indent>\s*)(?:[%!?]|\w+\s*=\s*[%!]|[\w.]+\?{1,2}\s*$)")


class Submission(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The modules of one submission. They can import one another, in any order."""

    def __init__(self, sources: Sequence[dict[str, Any]]) -> None:
        self._sources = {source["module"]: source for source in sources}
        self._modules: dict[str, ModuleType] = {}
        self._places: dict[str, str] = {}  # code's file name -> how to call it, for cells
        self._named: dict[str, Any] = {}  # what nbgrader's cells define under their own name
        self.problems: list[dict[str, Any]] = []

    def load(self) -> None:
        sys.meta_path.insert(0, self)
        sys.meta_path.append(AbsentFinder())
        for name in self._sources:
            if name in self._modules:
                continue  # another one imported it
            if name in sys.modules:  # a file called random.py must not replace Python's
                spec = importlib.machinery.ModuleSpec(name, self)
                module = importlib.util.module_from_spec(spec)
                self.exec_module(module)
            else:
                importlib.import_module(name)

    def find_spec(
        self, fullname: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._sources:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=f"{fullname}.py")

    def exec_module(self, module: ModuleType) -> None:
        """Run the chunks. What fails is noted, and what was defined before stays."""
        source = self._sources[module.__name__]
        self._modules[module.__name__] = module
        for index, text in enumerate(source["chunks"], 1):
            if source["notebook"]:
                file, place = f"{module.__name__}.ipynb[{index}]", f"cell {index}"
            else:
                file = place = f"{module.__name__}.py"
                module.__file__ = file
            self._places[file] = place
            before = dict(module.__dict__)
            self._run(module, text, file, source["notebook"])
            for name, at in source["named"].items():
                value = module.__dict__.get(name)
                if at == index - 1 and value is not before.get(name):
                    self._named[name] = value

    def _run(self, module: ModuleType, text: str, file: str, notebook: bool) -> None:
        try:
            code = _compile(text, file, notebook)
            linecache.cache[file] = (len(text), None, text.splitlines(True), file)
            exec(code, module.__dict__)  # noqa: S102
        except BaseException as error:
            problem = describe(error, self._places)
            del problem["cell"]
            self.problems.append({"place": self._places[file], **problem})

    def find(self, name: str) -> Callable[..., Any] | None:
        """The function of that name: from nbgrader's cell for it if there is one, else where it is
        defined rather than where it is imported."""
        if callable(self._named.get(name)):
            return self._named[name]  # type: ignore[no-any-return]
        found = [vars(module).get(name) for module in self._modules.values()]
        modules = list(self._modules)
        functions = [(f, m) for f, m in zip(found, modules, strict=True) if callable(f)]
        functions.sort(key=lambda pair: getattr(pair[0], "__module__", None) != pair[1])
        return functions[0][0] if functions else None

    def describe(self, error: BaseException) -> dict[str, Any]:
        """An exception as a failure's fields."""
        fields = describe(error, self._places)
        cell = fields.pop("cell")
        if cell:
            fields["message"] += f" ({cell})"
        return fields


def _compile(text: str, file: str, notebook: bool) -> CodeType:
    try:
        return compile(text, file, "exec", dont_inherit=True)
    except SyntaxError:
        if not notebook:
            raise
        plain = without_magics(text)
        if plain == text:
            raise
        return compile(plain, file, "exec", dont_inherit=True)


def without_magics(cell: str) -> str:
    """The cell without IPython's `%`, `!` and `?` lines, its other lines where they were."""
    lines = cell.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        words = first[2:].split()
        if not words or words[0] not in _RUNNING_MAGICS:
            return ""
    return "\n".join(_without_magic(line) for line in lines)


def _without_magic(line: str) -> str:
    magic = _MAGIC_LINE.match(line)
    return f"{magic['indent']}pass" if magic else line


def describe(error: BaseException, places: dict[str, str]) -> dict[str, Any]:
    """The exception's nearest built-in class, its text, and the last line of the submission."""
    name = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
    file, line = "", 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in places:
            file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename in places:
        file, line = str(error.filename), error.lineno or 0
        message = error.msg
    else:
        message = _text(error)
    place = places.get(file, "")
    return {
        "exception": name,
        "message": message[: wire.MAX_MESSAGE],
        "line": line,
        "cell": place if place.startswith("cell ") else "",
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return ""
