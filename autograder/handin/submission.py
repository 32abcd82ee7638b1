"""From the bytes a student handed in to the sources that the sandbox loads.

Nothing here runs, imports or compiles what was handed in: a `.py` is decoded, a `.ipynb` is
read as JSON for its code cells, a `.zip` is unpacked in memory under limits.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import tokenize
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from autograder.handin.notebook import Cell, last_named, read_cells

MAX_BYTES = 4 * 2**20  # of an upload, and of everything in a zip together
MAX_FILES = 64


class SubmissionError(ValueError):
    """The submission cannot be read; the message is one sentence for the student."""


@dataclass(frozen=True)
class Source:
    """One module of a submission. A `.py` is one chunk; a notebook has one per code cell, and a
    chunk that fails leaves the others standing.

    `named` says in which chunk nbgrader expects the function of that name: what is defined there
    counts, whatever a cell for trying things out defines again later.
    """

    module: str
    chunks: tuple[str, ...]
    notebook: bool = False
    named: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Submission:
    filename: str
    digest: str  # SHA-256 of the bytes
    sources: tuple[Source, ...]


def parse(filename: str, content: bytes) -> Submission:
    """Read a `.py`, `.ipynb` or `.zip`.

    Raises:
        SubmissionError: not one of these, too large, or not readable as what it claims to be.
    """
    name = PurePosixPath(filename.replace("\\", "/")).name
    if not content:
        raise SubmissionError(f"{_show(name)} is empty: hand in the file with your solutions.")
    _check_size(name, len(content))
    sources = _unzip(name, content) if name.endswith(".zip") else (_source(name, content),)
    return Submission(name, hashlib.sha256(content).hexdigest(), sources)


def _source(name: str, content: bytes) -> Source:
    stem, _, suffix = name.rpartition(".")
    module = re.sub(r"\W", "_", stem)
    module = module if module.isidentifier() else f"_{module}"
    if suffix == "py":
        return Source(module, (_decode(name, content),))
    if suffix == "ipynb":
        return _notebook(name, module, content)
    raise SubmissionError(f"{_show(name)} is no .py, .ipynb or .zip file: hand in one of these.")


def _decode(name: str, content: bytes) -> str:
    """Decode as Python would: UTF-8 unless a byte-order mark or coding line says otherwise."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise SubmissionError(f"{_show(name)} is not text in UTF-8: save it as UTF-8.") from None
    if "\0" in text:
        raise SubmissionError(f"{_show(name)} holds NUL bytes, so it is no Python source.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _notebook(name: str, module: str, content: bytes) -> Source:
    cells = [cell for cell in notebook_cells(name, content) if cell.kind == "code"]
    # What is left out leaves an empty chunk, so that cells keep their numbers.
    chunks = tuple(cell.source if cell.solution else "" for cell in cells)
    return Source(module, chunks, True, last_named(cells))


def notebook_cells(name: str, content: bytes) -> list[Cell]:
    """The cells of a `.ipynb`.

    Raises:
        SubmissionError: it is too large, or no notebook.
    """
    _check_size(name, len(content))
    text = _decode(name, content)
    try:
        return read_cells(text)
    except ValueError:
        raise SubmissionError(
            f"{_show(name)} is not a readable notebook: open it in Jupyter, save it and try again."
        ) from None


def _unzip(name: str, content: bytes) -> tuple[Source, ...]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not _is_clutter(member.filename)
        ]
    except Exception:  # zipfile meets damage with exceptions of many kinds
        raise SubmissionError(f"{_show(name)} is not a readable zip file.") from None
    if len(members) > MAX_FILES:
        raise SubmissionError(f"{_show(name)} holds {len(members)} files; {MAX_FILES} are allowed.")
    _check_size(name, sum(member.file_size for member in members))

    sources: dict[str, Source] = {}
    left = MAX_BYTES
    for member in members:
        path = _inside(name, member)
        if path.suffix not in {".py", ".ipynb"}:
            continue
        try:
            # The declared size may lie, so read no further than what is left.
            with archive.open(member) as file:
                data = file.read(left + 1)
        except Exception:  # zlib.error and its relatives share no base class
            raise SubmissionError(
                f"{_show(path.name)} in {_show(name)} is damaged or encrypted."
            ) from None
        left -= len(data)
        if left < 0:
            _check_size(name, MAX_BYTES + 1)
        source = _source(path.name, data)
        if source.module in sources:
            raise SubmissionError(
                f"{_show(name)} holds two files for {source.module}: keep the one that counts."
            )
        sources[source.module] = source
    if not sources:
        raise SubmissionError(f"{_show(name)} holds no .py or .ipynb file.")
    return tuple(sources.values())


def _inside(name: str, member: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise SubmissionError(f"{_show(name)} holds a path that leads out of it.")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise SubmissionError(f"{_show(name)} holds a link or special file, not only plain files.")
    return path


def _is_clutter(path: str) -> bool:
    """What systems and editors add unasked: macOS resource forks, caches, notebook checkpoints."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    hidden = any(part.startswith(".") and part != ".." for part in parts)
    return hidden or any(part in {"__MACOSX", "__pycache__"} for part in parts)


def _check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise SubmissionError(
            f"{_show(name)} is larger than the {MAX_BYTES // 2**20} MiB that a submission may be."
        )


def _show(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")
