"""One owner's files as the one file that is graded."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.collection.layouts import HandIn
from autograder.collection.tree import CollectionError, Entry

_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes, whenever they are packed
_SOURCES = (".py", ".ipynb")


@dataclass(frozen=True)
class Packed:
    name: str
    content: bytes
    notes: tuple[str, ...] = ()  # what was left out, in sentences


def packed(hand_in: HandIn, assignment: str) -> Packed:
    """A single source or zip as it is; several sources as a zip that keeps their folders.

    Raises:
        CollectionError: a file is damaged or too large, or there is nothing to grade.
    """
    zips = [file for file in hand_in.files if file.path.suffix.lower() == ".zip"]
    sources = [file for file in hand_in.files if file.path.suffix.lower() in _SOURCES]
    if zips:
        chosen = zips[-1]
        return Packed(chosen.path.name, chosen.read(), _left_out([*zips[:-1], *sources], chosen))
    if not sources:
        raise CollectionError("There is no .py, .ipynb or .zip file in what was handed in.")
    if len(sources) == 1:
        return Packed(sources[0].path.name, sources[0].read())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sources:
            member = zipfile.ZipInfo(str(source.path), _ALWAYS)
            archive.writestr(member, source.read(), zipfile.ZIP_DEFLATED)
    return Packed(f"{assignment}.zip", buffer.getvalue())


def _left_out(others: Sequence[Entry], chosen: Entry) -> tuple[str, ...]:
    if not others:
        return ()
    names = ", ".join(str(other.path) for other in others[:5])
    return (f"{chosen.path.name} was graded alone; beside it lay {names}",)
