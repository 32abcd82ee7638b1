"""What a student handed in, to be read: as highlighted text, never as what it claims to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from autograder.handin.submission import SubmissionError
from autograder.reading import TooMuch, reader
from autograder.reading.inside import code as inside
from server.engine import Report
from server.storage.config import ConfigError
from server.web.services import services

_KIND = re.compile(r"[a-z0-9]{1,4}")


@dataclass(frozen=True)
class Function:
    """A function as it was handed in; `place` says where."""

    name: str
    place: str
    html: Markup


@dataclass(frozen=True)
class Piece:
    """A file, or a notebook's code cell, and the functions that it defines."""

    title: str
    html: Markup
    cut: bool
    functions: tuple[Function, ...]


@dataclass(frozen=True)
class Written:
    """What was written for an exercise: all definitions of its functions."""

    exercise: str
    right: bool
    functions: tuple[Function, ...]


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
    return [_piece(one) for one in found]


def by_exercise(
    pieces: Iterable[Piece], report: Report, asked: Mapping[str, Iterable[str]]
) -> list[Written]:
    """What was written for each exercise of the report, in its order, where something was.

    Args:
        asked: the functions of each exercise; one that is not named here asks for a function of
            its own name and for that function's backward.
    """
    functions = [function for piece in pieces for function in piece.functions]
    found = []
    for exercise in report["exercises"]:
        name = exercise["name"]
        names = tuple(asked.get(name, (name, f"{name}_backward")))
        own = [one for wanted in names for one in functions if one.name == wanted]
        if own:
            found.append(Written(name, exercise["score"] >= exercise["max_score"], tuple(own)))
    return found


def asked(topic: str) -> dict[str, tuple[str, ...]]:
    """The functions of each of the topic's exercises, as far as they are known by now."""
    try:
        handout = services().engine.handout(topic)
    except ConfigError:
        return {}
    exercises = handout.exercises.values() if handout else ()
    return {one.name: one.functions for one in exercises if one.functions}


def _piece(one: inside.Piece) -> Piece:
    lines = _line_by_line(_parts(one.text, one.lengths, one.kinds))
    functions = [
        Function(
            stretch.name,
            f"{one.title}, line {stretch.first}",
            _numbered(lines[max(0, stretch.first - 1) : stretch.last], stretch.first),
        )
        for stretch in one.functions
    ]
    return Piece(one.title, _lines(lines), one.cut, tuple(functions))


def marked(text: str, ranges: list[list[int]]) -> Markup:
    """The text with these ranges marked, escaped, line by line."""
    parts: list[tuple[str, str]] = []
    at = 0
    for begin, end in ranges:
        parts += [(text[at:begin], ""), (text[begin:end], "<mark>{}</mark>")]
        at = max(at, end)
    return _lines(_line_by_line([*parts, (text[at:], "")]))


def _parts(text: str, lengths: Iterable[int], kinds: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The parts of a text, each with what to put around it."""
    at = 0
    for length, kind in zip(lengths, kinds, strict=False):
        around = f'<span class="hl-{kind}">{{}}</span>' if _KIND.fullmatch(kind) else ""
        if length > 0:
            yield text[at : at + length], around
        at += max(length, 0)
    yield text[at:], ""


def _line_by_line(parts: Iterable[tuple[str, str]]) -> list[str]:
    """Each line as HTML, every text in it escaped."""
    lines: list[list[str]] = [[]]
    for text, around in parts:
        for number, line in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if line:
                lines[-1].append(around.format(escape(line)) if around else escape(line))
    return ["".join(line) for line in lines]


def _lines(lines: Iterable[str]) -> Markup:
    """Each line in a `span` of its own, which the stylesheet numbers."""
    return Markup("\n".join(f'<span class="line">{line}</span>' for line in lines))  # noqa: S704


def _numbered(lines: Iterable[str], first: int) -> Markup:
    """The same, numbered from the first on."""
    shown = (
        f'<span class="line" data-n="{n}">{line}</span>' for n, line in enumerate(lines, first)
    )
    return Markup("\n".join(shown))  # noqa: S704
