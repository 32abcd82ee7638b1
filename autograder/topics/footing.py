"""What a topic's answers follow from beside its own files, this engine, PyTorch and numpy."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_KNOWN = {*sys.stdlib_module_names, "autograder", "numpy", "torch"}
_TEXTS = {".md", ".py", ".pyc"}  # of which none is data


def footing(topic: Path, contents: Mapping[Path, bytes]) -> str:
    """A digest of the data that lies with a topic and of the packages that it imports: by when each
    of their files changed, for there may be thousands.

    Args:
        topic: its file or its folder.
        contents: of its files.
    """
    roots = {root for content in contents.values() for root in _imported(content)} - _KNOWN
    data = topic.rglob("*") if topic.is_dir() else topic.parent.iterdir()
    files = {os.fspath(path) for path in data if path.suffix not in _TEXTS}
    files.update(path for root in roots for path in _installed(root))
    digest = hashlib.sha256()
    for path in sorted(files):
        with suppress(FileNotFoundError):
            now = os.stat(path)
            if not os.path.isdir(path):
                digest.update(f"{path}\0{now.st_size}\0{now.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _imported(content: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(content)):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(level=0, module=str() as module):
                yield module.partition(".")[0]


def _installed(root: str) -> Iterable[str]:
    """The files of a package, as it would be imported now."""
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return
    for folder in spec.submodule_search_locations or ():
        for at, _, names in os.walk(folder):
            yield from (os.path.join(at, name) for name in names if not name.endswith(".pyc"))
    if spec.origin is not None and not spec.submodule_search_locations:
        yield spec.origin
