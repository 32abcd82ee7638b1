"""Answers to parts that people mark: texts and plots in the cells of a notebook, and images."""

from __future__ import annotations

import binascii
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.handin import archive
from autograder.handin.errors import SubmissionError, show
from autograder.handin.notebook import last_named, raw_cells, read_cells
from autograder.handin.submission import MAX_BYTES
from autograder.handin.text import decode

MOST_TEXT = 20_000  # characters of an answer
MOST_PIXELS = 40_000_000  # of what is read
MOST_SIDE = 2000  # pixels of what is kept
MOST_PNG = 2 * 2**20  # bytes; what is larger is no plot, and kept as a photograph is
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_WRITTEN = 24 * 2**20  # bytes of all plots of a notebook


@dataclass(frozen=True)
class Image:
    """An image made anew of the pixels of another, with nothing else of it."""

    content: bytes
    media_type: str
    width: int
    height: int


def texts(file: tuple[str, bytes], *, names: Sequence[str] = ()) -> dict[str, str]:
    """What stands in the notebook's cells of these names (nbgrader's), or in those of the
    notebooks in a zip. What cannot be read says nothing: that is told elsewhere."""
    name, content = file
    found: dict[str, str] = {}
    try:
        for text in _notebooks(name, content):
            cells = read_cells(text)
            named = last_named(cells)
            found |= {one: cells[named[one]].source[:MOST_TEXT] for one in names if one in named}
    except (SubmissionError, ValueError):
        return found
    return found


def plots(file: tuple[str, bytes], *, names: Sequence[str] = ()) -> dict[str, Image]:
    """The last image that each cell of these names shows, or has attached, made anew. What is none
    that can be read says nothing."""
    name, content = file
    found: dict[str, Image] = {}
    try:
        for text in _notebooks(name, content):
            raw = raw_cells(text)
            named = last_named(read_cells(text))
            for one in names:
                shown = _shown(raw[named[one]]) if one in named else None
                if shown is None:
                    continue
                try:
                    found[one] = image((one, shown))
                except SubmissionError:
                    continue
                if sum(len(plot.content) for plot in found.values()) > MOST_WRITTEN:
                    del found[one]
    except (SubmissionError, ValueError):
        return found
    return found


def _shown(cell: dict[str, Any]) -> bytes | None:
    """The last image of a cell, as it is written there."""
    last = None
    for data in _data(cell):
        for format in FORMATS:
            written = data.get(f"image/{format.lower()}")
            if isinstance(written, list):
                written = "".join(part for part in written if isinstance(part, str))
            if isinstance(written, str):
                last = written
    try:
        return None if last is None else binascii.a2b_base64(last)
    except ValueError:
        return None


def _data(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a cell has attached, and what it shows."""
    attached, outputs = cell.get("attachments"), cell.get("outputs")
    if isinstance(attached, dict):
        yield from (data for data in attached.values() if isinstance(data, dict))
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        if isinstance(data, dict):
            yield data


def _notebooks(name: str, content: bytes) -> list[str]:
    if archive.is_zip(content):
        members = archive.members(name, content, MAX_BYTES)
        files = [(one.path.name, one.content) for one in members if one.content]
    else:
        files = [(name, content)]
    return [
        decode(one, inside)[0]
        for one, inside in files
        if archive.plain_name(one).lower().endswith(".ipynb")
    ]


def image(file: tuple[str, bytes]) -> Image:
    """
    Raises:
        SubmissionError: it is no image that can be read, or has too many pixels.
    """
    from PIL import Image as pillow
    from PIL import ImageOps

    name, content = file
    warnings.simplefilter("ignore")
    try:
        with pillow.open(io.BytesIO(content), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise pillow.DecompressionBombError
            photograph = opened.format == "JPEG"
            opened.draft("RGB", (MOST_SIDE, MOST_SIDE))  # a large photograph is read smaller
            turned = ImageOps.exif_transpose(opened)
            plain = turned.convert("RGBA")
    except pillow.DecompressionBombError:
        raise SubmissionError(
            f"{show(name)} has more than {MOST_PIXELS // 10**6} million pixels: make it smaller."
        ) from None
    except Exception:  # Pillow's errors for broken files are of many kinds
        raise SubmissionError(
            f"{show(name)} is no image that can be read: hand in a PNG, JPEG, GIF or WebP."
        ) from None
    plain.thumbnail((MOST_SIDE, MOST_SIDE))
    kept = pillow.new("RGB", plain.size, "white")  # dark lines on nothing vanish on a dark page
    kept.paste(plain, mask=plain.getchannel("A"))
    written = b"" if photograph else _written(kept, "PNG", optimize=True)
    if written and len(written) <= MOST_PNG:
        return Image(written, "image/png", *kept.size)
    return Image(_written(kept, "JPEG", quality=88), "image/jpeg", *kept.size)


def _written(picture: object, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)  # type: ignore[attr-defined]
    return buffer.getvalue()
