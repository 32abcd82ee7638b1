"""The files of a folder or a zip, looked at alike. Names and sizes are read here, and bytes copied
under a bound; what the files hold is read where submissions are."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MAX_FILES = 200_000
MAX_BYTES = 64 * 2**20  # of one file: a submission is far smaller
_CLUTTER = {"__MACOSX", "__pycache__", "node_modules"}


class CollectionError(ValueError):
    """The submissions cannot be read as a collection; the message is one sentence."""


@dataclass(frozen=True)
class Entry:
    """One file, by its path below the top."""

    path: PurePosixPath
    size: int  # bytes, as declared
    _read: Callable[[], bytes]

    def read(self) -> bytes:
        """
        Raises:
            CollectionError: it is too large or damaged.
        """
        if self.size > MAX_BYTES:
            raise CollectionError(f"{self.path} is larger than {MAX_BYTES // 2**20} MiB")
        return self._read()


def entries(path: Path) -> list[Entry]:
    """The files below a folder or in a zip, in the order of their paths; without what systems add
    unasked, without links, and without the one folder that an archive wraps everything in.

    Raises:
        CollectionError: it is neither, or damaged, or holds too many files.
    """
    found = sorted(
        _in_folder(path) if path.is_dir() else _in_zip(path), key=lambda entry: entry.path.parts
    )
    if not found:
        raise CollectionError(f"{path} holds no files")
    return found


def unwrapped(found: Sequence[Entry]) -> list[Entry]:
    """Without the one folder that holds everything, where there is one."""
    tops = {entry.path.parts[0] for entry in found}
    if len(tops) > 1 or any(len(entry.path.parts) == 1 for entry in found):
        return list(found)
    return [Entry(PurePosixPath(*e.path.parts[1:]), e.size, e._read) for e in found]


def _in_folder(top: Path) -> Iterator[Entry]:
    count = 0
    for folder, folders, files in _walk(top):
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in files:
            path = folder / name
            if _hidden(name) or path.is_symlink() or not path.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise CollectionError(f"{top} holds more than {MAX_FILES} files")
            relative = PurePosixPath(path.relative_to(top).as_posix())
            yield Entry(relative, path.stat().st_size, path.read_bytes)


def _walk(top: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    import os

    for folder, folders, files in os.walk(top):
        yield Path(folder), folders, files


def _in_zip(path: Path) -> Iterator[Entry]:
    try:
        archive = zipfile.ZipFile(path)
        members = archive.infolist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise CollectionError(f"{path} is no folder and no readable zip: {error}") from None
    if len(members) > MAX_FILES:
        raise CollectionError(f"{path} holds more than {MAX_FILES} files")
    for member in members:
        relative = PurePosixPath(member.filename.replace("\\", "/"))
        if member.is_dir() or any(map(_hidden, relative.parts)):
            continue
        if relative.is_absolute() or ".." in relative.parts:
            raise CollectionError(f"{path} holds a path that leads out of it: {member.filename!r}")
        yield Entry(relative, member.file_size, _member(archive, member, path))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise CollectionError(
                f"{member.filename} in {path} is packed in a way that is not read here: unpack it "
                f"and give the folder"
            )
        try:
            with archive.open(member) as file:
                content = file.read(MAX_BYTES + 1)
        except Exception:  # zlib.error and its relatives share no base class
            raise CollectionError(f"{member.filename} in {path} is damaged or encrypted") from None
        if len(content) > MAX_BYTES:
            raise CollectionError(f"{member.filename} is larger than {MAX_BYTES // 2**20} MiB")
        return content

    return read


def _hidden(name: str) -> bool:
    return (name.startswith(".") and name != "..") or name in _CLUTTER
