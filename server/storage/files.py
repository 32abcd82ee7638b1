"""The submitted bytes, one file each, on the disk before anyone is told so."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


class FileGone(OSError):
    """What was stored cannot be read: a fault of ours, to be mended from a backup."""


class Files:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def store(self, name: str, content: bytes) -> None:
        """Write a new file; when this returns, it survives a power cut.

        Raises:
            OSError: it could not be written, and nothing is left of it.
        """
        path = self._directory / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            sync_directory(self._directory)
        except BaseException:
            path.unlink()
            raise

    def remove(self, name: str) -> None:
        (self._directory / name).unlink(missing_ok=True)

    def size(self, *names: str) -> int:
        """Bytes of these files together; one that is gone has none."""
        total = 0
        for name in names:
            with suppress(FileNotFoundError):
                total += (self._directory / name).stat().st_size
        return total

    def free(self) -> int:
        """Bytes that can still be stored."""
        return shutil.disk_usage(self._directory).free

    def read(self, name: str) -> bytes:
        """
        Raises:
            FileGone: it is not there, or cannot be read.
        """
        try:
            return (self._directory / name).read_bytes()
        except OSError as error:
            raise FileGone(error.errno, error.strerror, str(self._directory / name)) from error


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
