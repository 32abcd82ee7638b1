"""What takes long to work out, kept on disk from one process to the next."""

from __future__ import annotations

import ctypes
import hashlib
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autograder.checks.base import Keep, Made
from autograder.judging.call import Call
from autograder.judging.compare import ValueExpectation
from autograder.judging.tree import as_tensor, mapped
from autograder.training.alone import Trained
from autograder.training.band import Band
from autograder.training.chance import Chance
from autograder.training.lockstep import Trace
from autograder.training.sketch import Track
from autograder.truth.packing import packed, unpacked

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
        self._tidied = False

    def get(self, key: Sequence[str], make: Callable[[], Made]) -> Made:
        """The value that is kept under the key, or a new one. Gradmark's own code and torch's
        version are part of every key, and a file that cannot be read is none."""
        if self._folder is None:
            return _made(make)
        path = _path(self._folder, key)
        value: Made | None = _read(path)
        if value is None:
            value = _made(make)
            self._write(path, value)
        return value

    @contextmanager
    def drawer(self, key: Sequence[str]) -> Iterator[Drawer]:
        """What is expected of an exercise's calls: small, and kept in one file under the key."""
        if self._folder is None:
            yield Drawer({})
            return
        path = _path(self._folder, key)
        drawer = Drawer(_expectations(path))
        yield drawer
        if drawer.added:
            with suppress(TypeError):
                self._write(path, packed(drawer.values))

    def _write(self, path: Path, value: object) -> None:
        """As far as there is room: a value that cannot be kept is made again."""
        own = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._tidied:
                self._tidied = True
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


class Drawer:
    """What is expected of calls, by all that it follows from but what the drawer's key says."""

    def __init__(self, values: dict[str, ValueExpectation]) -> None:
        self.values = values
        self.added = False

    def get(
        self, key: Sequence[str], calls: Sequence[Call], make: Callable[[], ValueExpectation]
    ) -> ValueExpectation:
        content = _content(key, calls)
        if content not in self.values:
            self.values[content] = make()
            self.added = True
        return self.values[content]


@dataclass(frozen=True)
class Keeping(Keep):
    """Of one case: its runs under a key of their own, what is expected in its exercise's drawer."""

    kept: Kept
    key: Sequence[str]
    drawer: Drawer
    about: Sequence[str]  # what is expected follows from this as well

    def run(self, make: Callable[[], Made]) -> Made:
        return self.kept.get(self.key, make)

    def expected(
        self, calls: Sequence[Call], make: Callable[[], ValueExpectation]
    ) -> ValueExpectation:
        return self.drawer.get(self.about, calls, make)


def _expectations(path: Path) -> dict[str, ValueExpectation]:
    try:
        return unpacked(*_read(path))
    except (LookupError, TypeError, ValueError, RuntimeError):
        return {}


def _content(key: Sequence[str], calls: Sequence[Call]) -> str:
    """A digest of the key and of all that the calls consist of."""
    digest = hashlib.sha256(repr(key).encode())

    def taken(leaf: Any) -> str:
        tensor = as_tensor(leaf)
        if tensor is None:
            return repr(leaf)
        # Copied: what has one element may be called contiguous with any stride.
        image = tensor.detach().clone(memory_format=torch.contiguous_format).flatten()
        digest.update(image.view(torch.uint8).numpy().tobytes())
        return f"{type(leaf).__name__} {tensor.dtype} {tuple(tensor.shape)} {tensor.stride()}"

    for call in calls:
        arguments = [(name, mapped(taken, value)) for name, value in call.arguments.items()]
        digest.update(repr(replace(call, arguments=dict(arguments))).encode())
    return digest.hexdigest()


def _path(folder: Path, key: Sequence[str]) -> Path:
    parts = "\0".join((_versions(), *key))
    return folder / f"{hashlib.sha256(parts.encode()).hexdigest()}.pt"


def _read(path: Path) -> Any:
    """What is kept there; None if nothing is that can be read."""
    try:
        with torch.serialization.safe_globals(KINDS):
            value = torch.load(path, weights_only=True)
        os.utime(path)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError):
        return None
    return value


def _made(make: Callable[[], Made]) -> Made:
    """What training took and no longer takes, hundreds of megabytes, goes back to the machine."""
    value = make()
    with suppress(AttributeError):  # a C library that is not glibc does so by itself
        ctypes.CDLL(None).malloc_trim(0)
    return value


@cache
def _versions() -> str:
    processor = torch.backends.cpu.get_cpu_capability()  # which kernels compute, and so round
    digest = hashlib.sha256(f"{torch.__version__} {np.__version__} {processor}".encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
