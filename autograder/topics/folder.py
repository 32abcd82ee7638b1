"""A reference folder, before any of it is loaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

DEFAULT = Path(__file__).resolve().parents[2] / "reference"
EVERYTHING = "all"  # the assignment of every topic in one


def state(folder: Path) -> str:
    """A digest of all Python files in the folder: helpers, too, may change what is right."""
    digest = hashlib.sha256()
    for path in code(folder):
        with suppress(FileNotFoundError):  # gone since it was listed
            digest.update(b"%s\0%s" % (os.fsencode(path), told(path)))
    return digest.hexdigest()


def code(folder: Path) -> list[str]:
    """The Python files in the folder, and in those within."""
    return sorted(_code(os.fspath(folder)))


def _code(folder: str) -> Iterator[str]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                yield from _code(entry.path)


def told(path: str | Path) -> bytes:
    """A digest of the file as it is now: read again only when it has been written to.

    Raises:
        FileNotFoundError: it is gone.
    """
    now = os.stat(path)
    return _digest(os.fspath(path), now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=4096)
def _digest(path: str, *_stamp: int) -> bytes:
    return hashlib.sha256(Path(path).read_bytes()).digest()
