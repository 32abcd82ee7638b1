"""Imports between the files of a submission, as on the student's machine."""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from types import FrameType, ModuleType
from typing import Any, Protocol

ROOT = "handed_in"  # the package that everything handed in lies in, for relative imports


class File(Protocol):
    """One file of a submission, and its module."""

    path: PurePosixPath
    module: ModuleType


def importing_frame() -> FrameType | None:
    """Of the code whose import is going on: the first frame that is none of the import system's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(("importlib", _HERE)):
            return frame
        frame = frame.f_back
    return None


_HERE = __name__.rpartition(".")[0]


class Neighbours(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what one file of a submission imports among the others: nearest first, that is in its
    own folder, then in those above, then anywhere."""

    def __init__(
        self,
        files: dict[PurePosixPath, File],
        importer: Callable[[FrameType], PurePosixPath | None],
        execute: Callable[[File], None],
    ) -> None:
        """Args:
        importer: the file that a frame runs, if it is one of the submission's.
        execute: runs a file, unless it has been run or is being run.
        """
        self._files = files
        self._importer = importer
        self._execute = execute
        self._folders = {folder for path in files for folder in path.parents}
        self._packages: dict[PurePosixPath, ModuleType] = {}
        self._found: dict[str, PurePosixPath] = {}  # what a name being imported stands for
        self._several = _several(files)
        self._import = builtins.__import__
        if self._several:
            builtins.__import__ = self._import_anew

    def close(self) -> None:
        if builtins.__import__ == self._import_anew:
            builtins.__import__ = self._import

    def _import_anew(self, name: str, *args: Any, **named: Any) -> ModuleType:
        """Import; what several files are called is looked for again, near whoever imports it."""
        top = name.partition(".")[0]
        if top in self._several:
            ours = [*(file.module for file in self._files.values()), *self._packages.values()]
            for known in [n for n in sys.modules if n.partition(".")[0] == top]:
                if any(sys.modules[known] is module for module in ours):
                    del sys.modules[known]
        return self._import(name, *args, **named)

    def find_spec(
        self, fullname: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == ROOT:
            place: PurePosixPath | None = PurePosixPath()
        elif isinstance(path, list) and len(path) == 1 and str(path[0]).startswith(f"{ROOT}:"):
            folder = PurePosixPath(str(path[0]).removeprefix(f"{ROOT}:"))
            place = self._at(folder / fullname.rpartition(".")[2])
        else:
            frame = importing_frame()
            importer = self._importer(frame) if frame is not None else None
            place = self._near(importer, fullname) if importer is not None else None
        if place is None:
            return None
        self._found[fullname] = place
        return importlib.machinery.ModuleSpec(
            fullname, self, origin=str(place), is_package=place not in self._files
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        place = self._found[spec.name]
        return self._files[place].module if place in self._files else self._package(place)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__spec__.name if module.__spec__ is not None else ""
        place = self._found[name]
        module.__spec__ = None  # one module may be imported under several names
        if place in self._files:
            self._execute(self._files[place])
        elif place / "__init__.py" in self._files:
            self._execute(self._files[place / "__init__.py"])

    def _package(self, folder: PurePosixPath) -> ModuleType:
        if folder not in self._packages:
            initial = self._files.get(folder / "__init__.py")
            package = initial.module if initial is not None else ModuleType(folder.name or ROOT)
            package.__path__ = [f"{ROOT}:{folder}"]
            self._packages[folder] = package
        return self._packages[folder]

    def _near(self, importer: PurePosixPath, fullname: str) -> PurePosixPath | None:
        parts = fullname.split(".")
        for folder in importer.parents:
            found = self._at(folder.joinpath(*parts))
            if found is not None and found != importer:
                return found
        return min(self._anywhere(parts, importer), key=lambda path: len(path.parts), default=None)

    def _at(self, path: PurePosixPath) -> PurePosixPath | None:
        """The file or the folder that is imported by this path, without its ending."""
        if path in self._folders and path / "__init__.py" in self._files:
            return path
        for suffix in (".py", ".ipynb"):
            file = path.parent / (path.name + suffix)
            if file in self._files:
                return file
        return path if path in self._folders else None

    def _anywhere(self, parts: list[str], importer: PurePosixPath) -> Iterator[PurePosixPath]:
        for path in self._files:
            plain = path.parent if path.name == "__init__.py" else path.with_suffix("")
            if plain.parts[-len(parts) :] == tuple(parts) and path != importer:
                yield plain if path.name == "__init__.py" else path


def _several(files: Iterable[PurePosixPath]) -> set[str]:
    """The names by which one may import more than one of these."""
    places = {path.with_suffix("") for path in files if path.stem != "__init__"}
    places |= {folder for path in files for folder in path.parents if folder.name}
    return {name for name, count in Counter(path.name for path in places).items() if count > 1}


def package_of(path: PurePosixPath) -> str:
    """What relative imports of the file at this path start from."""
    return ".".join([ROOT, *path.parent.parts])
