"""What a student handed in, to be read: as highlighted text, never as what it claims to be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from autograder.handin.submission import SubmissionError
from autograder.reading import TooMuch, reader

_KIND = re.compile(r"[a-z0-9]{1,4}")


@dataclass(frozen=True)
class Piece:
    """A file, or a notebook's code cell."""

    title: str
    html: Markup
    cut: bool


def pieces(filename: str, content: bytes) -> list[Piece]:
    """The sources of a submission, in its order; none when it cannot be read (any more)."""
    file = filename, content
    try:
        try:
            found = reader().run("pieces", file)
        except TooMuch:
            found = reader().run("pieces", file, highlighted=False)
    except SubmissionError:
        return []
    return [
        Piece(one.title, _lines(_parts(one.text, one.lengths, one.kinds)), one.cut) for one in found
    ]


def marked(text: str, ranges: list[list[int]]) -> Markup:
    """The text with these ranges marked, escaped, line by line."""
    parts: list[tuple[str, str]] = []
    at = 0
    for begin, end in ranges:
        parts += [(text[at:begin], ""), (text[begin:end], "<mark>{}</mark>")]
        at = max(at, end)
    return _lines([*parts, (text[at:], "")])


def _parts(text: str, lengths: Iterable[int], kinds: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The parts of a text, each with what to put around it."""
    at = 0
    for length, kind in zip(lengths, kinds, strict=False):
        around = f'<span class="hl-{kind}">{{}}</span>' if _KIND.fullmatch(kind) else ""
        if length > 0:
            yield text[at : at + length], around
        at += max(length, 0)
    yield text[at:], ""


def _lines(parts: Iterable[tuple[str, str]]) -> Markup:
    """Each line in a `span` of its own, which the stylesheet numbers."""
    lines: list[list[str]] = [[]]
    for text, around in parts:
        for number, line in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if line:
                lines[-1].append(around.format(escape(line)) if around else escape(line))
    shown = "\n".join(f'<span class="line">{"".join(line)}</span>' for line in lines)
    return Markup(shown)  # noqa: S704 - every text in it is escaped
