"""A reference folder, before any of it is loaded."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

DEFAULT = Path(__file__).resolve().parents[2] / "reference"
EVERYTHING = "all"  # the assignment of every topic in one


def state(folder: Path) -> str:
    """A digest of all Python files in the folder: helpers, too, may change what is right."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        with suppress(FileNotFoundError):  # gone since it was listed
            digest.update(b"%s\0%s" % (os.fsencode(path), told(path)))
    return digest.hexdigest()


def told(path: Path) -> bytes:
    """A digest of the file as it is now: read again only when it has been written to.

    Raises:
        FileNotFoundError: it is gone.
    """
    now = path.stat()
    return _digest(path, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=4096)
def _digest(path: Path, *_stamp: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
