"""From the bytes a student handed in to the sources that the sandbox loads.

Nothing here runs, imports or compiles what was handed in: a `.py` is decoded, a `.ipynb` is
read as JSON for its code cells, a `.zip` is unpacked in memory under limits.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import stat
import tokenize
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

MAX_BYTES = 4 * 2**20  # of an upload, and of everything in a zip together
MAX_FILES = 64


class SubmissionError(ValueError):
    """The submission cannot be read; the message is one sentence for the student."""


@dataclass(frozen=True)
class Source:
    """One module of a submission. A `.py` is one chunk; a notebook has one per code cell, and a
    chunk that fails leaves the others standing."""

    module: str
    chunks: tuple[str, ...]
    notebook: bool = False


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
        return Source(module, _cells(name, content), notebook=True)
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


def _cells(name: str, content: bytes) -> tuple[str, ...]:
    """The source of each code cell, as nbformat reads it; cells that are broken are left out."""
    import nbformat  # slow to import, and most submissions are no notebooks

    text = _decode(name, content)
    try:
        try:
            notebook: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        except Exception:
            # Broken in a way that nbformat cannot mend; the code may be readable all the same.
            notebook = json.loads(text)
        cells = list(notebook["cells"])
    except Exception:  # of many kinds, RecursionError among them
        raise SubmissionError(
            f"{_show(name)} is not a readable notebook: open it in Jupyter, save it and try again."
        ) from None
    sources = []
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        if isinstance(source, list):
            source = "".join(part for part in source if isinstance(part, str))
        if isinstance(source, str) and source.strip():
            sources.append(source.replace("\0", ""))
    return tuple(sources)


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
