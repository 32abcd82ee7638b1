"""What a zip holds that can be graded. Other kinds of archive are told apart, and not opened."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from selfcheck.handin.errors import SubmissionError, show

MAX_MEMBERS = 50_000  # of which all but code is passed over unread
MAX_FILES = 1000  # of code
MAX_DEPTH = 64
# What nobody wrote: environments, caches, what systems and editors leave behind.
_LEFT = {"__MACOSX", "__pycache__", "node_modules", "site-packages", "dist-packages", "venv", "env"}
_LEFT |= {"virtualenv", "conda-meta", "selfcheck"}
_OTHERS = (
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive"),
)
_OTHER_ENDINGS = {
    **dict.fromkeys(("tar", "gz", "tgz", "bz2", "xz", "zst", "rar", "7z"), "an archive"),
    "html": "a page, not code",
    "htm": "a page, not code",
    "pdf": "a document, not code",
    "docx": "a document, not code",
    "doc": "a document, not code",
    "pyc": "compiled, not source",
    "md": "a text, not code",
}


@dataclass(frozen=True)
class Member:
    """A file of an archive; `modified` is year, month, day, hour, minute, second."""

    path: PurePosixPath
    content: bytes
    modified: tuple[int, ...]


def is_zip(content: bytes) -> bool:
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def plain_name(name: str) -> str:
    """A file's name without the ending that browsers add to what they save."""
    return re.sub(r"(?i)(\.py|\.ipynb)\.(?:txt|json)$", r"\1", name)


def is_code(path: PurePath) -> bool:
    return plain_name(path.name).lower().endswith((".py", ".ipynb"))


def other_kind(name: str, content: bytes) -> str:
    """What else it is, with what to do about it: one sentence, empty when it is not known."""
    if content[257:262] == b"ustar":
        kind = "a tar archive"
    else:
        kind = next((kind for mark, kind in _OTHERS if content.startswith(mark)), "")
    kind = kind or _OTHER_ENDINGS.get(name.rpartition(".")[2].lower(), "")
    if not kind:
        return ""
    if "archive" in kind:
        return f"{show(name)} is {kind}: unpack it, and hand in its files or a .zip of them."
    return f"{show(name)} is {kind}: hand in the .py or .ipynb that it was made from."


def members(name: str, content: bytes, most: int) -> Iterator[Member]:
    """The `.py` and `.ipynb` files of a zip. Everything else counts against no limit.

    Args:
        most: bytes that may be read of them together.

    Raises:
        SubmissionError: it is no readable zip, or holds more than may be read.
    """
    infos = _infos(name, content)
    if len(infos) > MAX_MEMBERS:
        raise SubmissionError(f"{show(name)} holds {len(infos)} files: hand in those with code.")
    environments = {
        PurePosixPath(_path(info)).parent for info in infos if _path(info).endswith("pyvenv.cfg")
    }
    if any(_path(info).count("/") > MAX_DEPTH for info in infos):
        raise SubmissionError(f"{show(name)} holds folders within folders without end.")
    left, count, archive = most, 0, zipfile.ZipFile(io.BytesIO(content))
    for info in infos:
        path = PurePosixPath(_path(info))
        if not is_code(path) or not is_own(path, environments):
            continue
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise SubmissionError(f"{show(name)} holds a path that leads out of it.")
        if stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFREG}:
            continue  # a link: what it leads to is not in here
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise SubmissionError(
                f"{show(name)} is packed in an uncommon way: pack it again as a plain zip."
            )
        count += 1
        if count > MAX_FILES:
            raise SubmissionError(
                f"{show(name)} holds more than {MAX_FILES} files with code: hand in what counts."
            )
        try:
            # The declared size may lie, so read no further than what is left.
            with archive.open(info) as file:
                data = file.read(left + 1)
        except Exception:  # zlib.error and its relatives share no base class
            locked = "locked with a password" if info.flag_bits & 1 else "damaged"
            raise SubmissionError(f"{show(path.name)} in {show(name)} is {locked}.") from None
        left -= len(data)
        if left < 0:
            raise SubmissionError(
                f"The code in {show(name)} is larger than the {most // 2**20} MiB that may be read."
            )
        yield Member(path, data, tuple(info.date_time))


def holds_archive(content: bytes) -> str:
    """The name of an archive inside a zip, or empty."""
    names = [_path(info) for info in _infos("", content)]
    endings = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")
    return next((PurePosixPath(n).name for n in names if n.lower().endswith(endings)), "")


def _infos(name: str, content: bytes) -> list[zipfile.ZipInfo]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        return [info for info in archive.infolist() if not info.is_dir()]
    except Exception:  # zipfile meets damage with exceptions of many kinds
        raise SubmissionError(f"{show(name)} is not a readable zip file.") from None


def _path(info: zipfile.ZipInfo) -> str:
    return info.filename.replace("\\", "/")


def is_own(path: PurePosixPath, environments: Set[PurePosixPath] = frozenset()) -> bool:
    """Whether somebody wrote it, rather than a system, an editor or a package's installation."""
    parts = path.parts
    hidden = any(part.startswith(".") and part != ".." for part in parts)
    return not hidden and not _LEFT & set(parts[:-1]) and environments.isdisjoint(path.parents)
