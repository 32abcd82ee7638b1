"""What a process of its own makes of a reference folder, for those who do without torch.

It is kept, under a digest of all that it follows from: the folder's files and the engine's own.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from autograder.errors import AuthoringError
from autograder.topics import folder

T = TypeVar("T")

_TRIES = 3  # while the files are being edited
_KEPT = 20  # of one name, the newest
_REFUSED = 3  # how the process ends when a topic is not well formed


def place(name: str, directory: Path, cache: Path, more: Iterable[Path] = ()) -> Path:
    """Where something of that name is kept that follows from the files as they are now.

    Args:
        name: of a file, such as `index.json`.
        more: what it follows from beside the folder's code and the engine's.
    """
    digest = hashlib.sha256(folder.state(directory).encode())
    for path in (*_engine(), *more):
        with suppress(FileNotFoundError):  # gone since it was listed
            digest.update(folder.told(path))
    stem, suffix = Path(name).stem, Path(name).suffix
    return cache / f"{stem}-{digest.hexdigest()}{suffix}"


@lru_cache(maxsize=1)
def _engine() -> tuple[str | Path, ...]:
    return tuple(folder.code(Path(__file__).parents[1]))


def steady(where: Callable[[], Path], get: Callable[[Path], T]) -> T:
    """What `get` gives for the place, once the files stay as they are meanwhile.

    Raises:
        AuthoringError: they do not.
    """
    for _ in range(_TRIES):
        path = where()
        found = get(path)
        if where() == path:
            return found
    raise AuthoringError("the exercises' files are being changed all the time")


def made(module: str, *arguments: str) -> bytes:
    """What that module's process answers (`answer`).

    Raises:
        AuthoringError: a topic is not well formed, or not there.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode == _REFUSED:
        raise AuthoringError(done.stdout.decode())
    done.check_returncode()
    return done.stdout


def answer(make: Callable[[], bytes]) -> None:
    """In the process that makes it: answer whoever asked, and end."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever a topic prints when it is loaded is no part of the answer
    try:
        content, status = make(), 0
    except AuthoringError as error:
        content, status = str(error).encode(), _REFUSED
    with os.fdopen(out, "wb") as pipe, suppress(BrokenPipeError):
        pipe.write(content)
    sys.exit(status)


def keep(path: Path, content: bytes) -> None:
    """Whole or not at all. What was kept first makes room.

    Raises:
        OSError: there is no room.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="draft-", delete=False) as draft:
        try:
            draft.write(content)
            draft.close()
            Path(draft.name).replace(path)
        except OSError:
            Path(draft.name).unlink(missing_ok=True)
            raise
    alike = path.parent.glob(f"{path.stem.rpartition('-')[0]}-*{path.suffix}")
    with suppress(OSError):
        for old in sorted(alike, key=lambda one: one.stat().st_mtime, reverse=True)[_KEPT:]:
            old.unlink()
