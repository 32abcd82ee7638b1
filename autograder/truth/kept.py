"""What takes long to work out, kept on disk from one process to the next."""

from __future__ import annotations

import ctypes
import hashlib
import os
import pickle
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from autograder.checks.base import Made
from autograder.training.alone import Trained
from autograder.training.band import Band
from autograder.training.chance import Chance
from autograder.training.lockstep import Trace
from autograder.training.sketch import Track

# What is kept, of tensors and numbers.
KINDS: list[Callable[..., object] | tuple[Callable[..., object], str]]
KINDS = [Band, Chance, Trace, Track, Trained]
UNUSED_SECONDS = 60 * 24 * 3600  # then a file goes


class Kept:
    """Values in a folder, by key. They tell what hidden cases expect: the folder is its owner's.

    Args:
        folder: where; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: Sequence[str], make: Callable[[], Made]) -> Made:
        """The value that is kept under the key, or a new one. Gradmark's own code and torch's
        version are part of every key, and a file that cannot be read is none."""
        if self._folder is None:
            return _made(make)
        parts = "\0".join((_versions(), *key))
        path = self._folder / f"{hashlib.sha256(parts.encode()).hexdigest()}.pt"
        try:
            with torch.serialization.safe_globals(KINDS):
                value: Made = torch.load(path, weights_only=True)
            os.utime(path)
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError):
            value = _made(make)
            self._write(path, value)
        return value

    def _write(self, path: Path, value: object) -> None:
        """As far as there is room: a value that cannot be kept is made again."""
        own = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget_unused()
            torch.save(value, own)
            own.replace(path)
        except (OSError, RuntimeError):
            with suppress(OSError):
                own.unlink()

    def _forget_unused(self) -> None:
        assert self._folder is not None  # noqa: S101
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process forgets, too
                if path.stat().st_mtime < time.time() - UNUSED_SECONDS:
                    path.unlink()


def _made(make: Callable[[], Made]) -> Made:
    """What training took and no longer takes, hundreds of megabytes, goes back to the machine."""
    value = make()
    with suppress(AttributeError):  # a C library that is not glibc does so by itself
        ctypes.CDLL(None).malloc_trim(0)
    return value


@cache
def _versions() -> str:
    digest = hashlib.sha256(torch.__version__.encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
