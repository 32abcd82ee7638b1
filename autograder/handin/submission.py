"""From the bytes a student handed in to the sources that the sandbox loads.

Nothing here runs or imports what was handed in: a `.py` is decoded, a `.ipynb` is read as JSON for
its code cells, a `.zip` is unpacked in memory under limits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from autograder.handin import archive, dialect
from autograder.handin.errors import SubmissionError, show
from autograder.handin.notebook import Cell, last_named, read_cells
from autograder.handin.text import decode
from autograder.sandbox.inside.loading.source import Source

__all__ = ["MAX_BYTES", "MAX_CODE", "Source", "Submission", "SubmissionError", "parse"]

MAX_BYTES = 32 * 2**20  # of an upload
MAX_CODE = 4 * 2**20  # of the code in it
MAX_PATH = 300
MAX_NAME = 100  # characters of a module's name
MAX_CELLS = 2000  # with code, of a notebook


@dataclass(frozen=True)
class Submission:
    filename: str
    digest: str  # SHA-256 of the bytes
    sources: tuple[Source, ...]
    notes: tuple[str, ...] = ()  # what the student should know of how it was read


def parse(filename: str, content: bytes) -> Submission:
    """Read a `.py`, `.ipynb` or `.zip`.

    Raises:
        SubmissionError: not one of these, too large, or not readable as what it claims to be.
    """
    name = PurePosixPath(filename.replace("\\", "/")).name
    if not content:
        raise SubmissionError(f"{show(name)} is empty: hand in the file with your solutions.")
    _check_size(name, len(content), MAX_BYTES)
    notes: list[str] = []
    if archive.is_zip(content) or name.lower().endswith(".zip"):
        sources = _unzip(name, content, notes)
    else:
        sources = _read(PurePosixPath(name), content, (), notes)
    _check_size(name, sum(len(chunk) for s in sources for chunk in s.chunks), MAX_CODE)
    return Submission(name, hashlib.sha256(content).hexdigest(), tuple(sources), tuple(notes[:10]))


def notebook_cells(name: str, content: bytes) -> list[Cell]:
    """The cells of a `.ipynb`.

    Raises:
        SubmissionError: it is too large, or no notebook.
    """
    _check_size(name, len(content), MAX_BYTES)
    return _cells(name, decode(name, content)[0])


def _read(
    path: PurePosixPath, content: bytes, modified: tuple[int, ...], notes: list[str]
) -> list[Source]:
    """The file's source, and those of files that a notebook writes beside itself."""
    plain = archive.plain_name(path.name)
    suffix = PurePosixPath(plain).suffix.lower()
    if suffix not in {".py", ".ipynb"}:
        raise SubmissionError(
            archive.other_kind(path.name, content)
            or f"{show(path.name)} is no .py, .ipynb or .zip file: hand in one of these."
        )
    path = path.with_name(plain[: -len(suffix)] + suffix)
    if suffix == ".py":
        _check_size(path.name, len(content), MAX_CODE)
    text, note = decode(path.name, content)
    notes += [note] if note else []
    source = Source(_module(path), (), False, {}, str(path)[-MAX_PATH:], modified)
    cells = _try_cells(text) if suffix == ".py" else _cells(path.name, text)
    if cells is None:
        return [replace(source, chunks=(dialect.script(text),))]
    code = [cell for cell in cells if cell.kind == "code"]
    if len(code) > MAX_CELLS:
        raise SubmissionError(
            f"{show(path.name)} has {len(code)} cells with code; {MAX_CELLS} are allowed."
        )
    # What is left out leaves an empty chunk, so that cells keep their numbers.
    _check_size(path.name, sum(len(cell.source) for cell in code), MAX_CODE)
    chunks = tuple(dialect.cell(cell.source) if cell.solution else "" for cell in code)
    written = _written(path, (cell.source for cell in code if cell.solution), modified)
    return [replace(source, chunks=chunks, notebook=True, named=last_named(code)), *written]


def _module(path: PurePosixPath) -> str:
    stem = re.sub(r"\W", "_", path.name.rpartition(".")[0][:MAX_NAME])
    return stem if stem.isidentifier() else f"_{stem}"


def _cells(name: str, text: str) -> list[Cell]:
    try:
        return read_cells(text)
    except ValueError:
        raise SubmissionError(
            f"{show(name)} is not a readable notebook: open it in Jupyter, save it and try again."
        ) from None


def _try_cells(text: str) -> list[Cell] | None:
    """The cells of a notebook that was given the ending of a `.py`; None when it is none."""
    if not text.lstrip().startswith("{") or '"cells"' not in text:
        return None
    try:
        return read_cells(text)
    except ValueError:
        return None


def _written(
    notebook: PurePosixPath, cells: Iterable[str], modified: tuple[int, ...]
) -> list[Source]:
    """What `%%writefile` cells write beside the notebook, as far as it is Python."""
    files: dict[PurePosixPath, list[str]] = {}
    for cell in cells:
        found = dialect.written_file(cell)
        if found is None:
            continue
        path = notebook.parent / PurePosixPath(found[0])
        if path.suffix == ".py" and ".." not in path.parts and not path.is_absolute():
            parts = files.setdefault(path, [])
            if not found[2]:
                parts.clear()
            parts.append(found[1])
    return [
        Source(
            _module(path),
            (dialect.script("".join(parts)),),
            False,
            {},
            str(path)[-MAX_PATH:],
            modified,
        )
        for path, parts in files.items()
    ]


def gather(members: Iterable[archive.Member], notes: list[str]) -> list[Source]:
    """The sources of several files. What cannot be read of them is noted.

    Raises:
        SubmissionError: none can be read, for the first one's reason.
    """
    sources: dict[str, Source] = {}
    failed: SubmissionError | None = None
    for member in members:
        if not member.content:
            found = [Source(_module(member.path), ("",), False, {}, str(member.path)[-MAX_PATH:])]
        else:
            try:
                found = _read(member.path, member.content, member.modified, notes)
            except SubmissionError as error:
                failed = failed or error
                notes.append(str(error))
                continue
        for source in found:
            sources.setdefault(source.path, source)
    if failed is not None and not any(any(source.chunks) for source in sources.values()):
        raise failed
    return list(sources.values())


def _unzip(name: str, content: bytes, notes: list[str]) -> list[Source]:
    sources = gather(archive.members(name, content, MAX_BYTES), notes)
    if not any(any(source.chunks) for source in sources):
        inner = archive.holds_archive(content)
        hint = f": unpack {show(inner)} that is in it" if inner else ""
        raise SubmissionError(f"{show(name)} holds no .py or .ipynb file{hint}.")
    return sources


def _check_size(name: str, size: int, most: int) -> None:
    if size > most:
        what = "code in it is" if most == MAX_CODE else "file is"
        raise SubmissionError(
            f"{show(name)} is too large: the {what} more than the {most // 2**20} MiB that a "
            "submission may have."
        )
