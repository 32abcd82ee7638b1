"""Answers to parts that people mark: texts in the cells of a notebook, and images."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.handin import archive
from autograder.handin.errors import SubmissionError, show
from autograder.handin.notebook import last_named, read_cells
from autograder.handin.submission import MAX_BYTES
from autograder.handin.text import decode

MOST_TEXT = 20_000  # characters of an answer
MOST_PIXELS = 40_000_000  # of what is read
MOST_SIDE = 2000  # pixels of what is kept
MOST_PNG = 2 * 2**20  # bytes; what is larger is no plot, and kept as a photograph is
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


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
