"""What a student handed in, to be read: as highlighted text, never as what it claims to be."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from markupsafe import Markup, escape

from autograder.handin.submission import SubmissionError
from autograder.reading import TooMuch, reader
from autograder.reading.inside import code as inside
from server.engine import Report
from server.storage.config import ConfigError
from server.web.services import services

_MOST_FUNCTIONS = 20  # of an exercise: what is defined last counts
COLOURS = 6  # of marks
_KIND = re.compile(r"[a-z0-9]{1,4}")


@dataclass(frozen=True)
class Function:
    """A function as it was handed in: in which piece, from which line on, and its lines, escaped
    and highlighted."""

    name: str
    piece: str
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """A file, or a notebook's code cell, and the functions that it defines."""

    title: str
    lines: tuple[str, ...]  # escaped and highlighted
    cut: bool
    functions: tuple[Function, ...]


@dataclass(frozen=True)
class Written:
    """What was written for an exercise: all definitions of its functions."""

    exercise: str
    functions: tuple[Function, ...]
    left_out: int  # definitions that are there, too


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
    """What was written for each exercise of the report, in its order.

    Args:
        asked: the functions of each exercise; one that is not named here asks for a function of
            its own name and for that function's backward.
    """
    by_name: dict[str, list[Function]] = {}
    for piece in pieces:
        for function in piece.functions:
            by_name.setdefault(function.name, []).append(function)
    found = []
    for exercise in report["exercises"]:
        name = exercise["name"]
        names = tuple(asked.get(name, (name, f"{name}_backward")))
        own = [one for wanted in names for one in by_name.get(wanted, ())]
        kept = own[-_MOST_FUNCTIONS:]
        found.append(Written(name, tuple(kept), len(own) - len(kept)))
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
    lines = tuple(_line_by_line(_parts(one.text, one.lengths, one.kinds)))
    functions = tuple(
        Function(
            stretch.name,
            one.title,
            max(1, stretch.first),
            lines[max(1, stretch.first) - 1 : stretch.last],
        )
        for stretch in one.functions
    )
    return Piece(one.title, lines, one.cut, functions)


class _Mark:
    """Puts a mark around each line of a range, and the range's id at the first."""

    def __init__(self, place: str, number: int, colour: int) -> None:
        self._begin = f'<mark class="m{colour}" data-of="{number}" id="{place}-{number}">'
        self._more = f'<mark class="m{colour}" data-of="{number}">'

    def format(self, text: str) -> str:
        begin, self._begin = self._begin, self._more
        return f"{begin}{text}</mark>"


def marked(
    text: str,
    ranges: list[list[int]],
    place: str,
    colours: Mapping[int, int] = MappingProxyType({}),
) -> Markup:
    """The text with these ranges marked, escaped, line by line.

    Args:
        place: by which the ids of the ranges begin.
        colours: of each range, by its place among them.
    """
    parts: list[tuple[str, str | _Mark]] = []
    at = 0
    for number, (begin, end) in enumerate(ranges):
        mark = _Mark(place, number, colours.get(number, number) % COLOURS)
        parts += [(text[at:begin], ""), (text[begin:end], mark)]
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


def _line_by_line(parts: Iterable[tuple[str, str | _Mark]]) -> list[str]:
    """Each line as HTML, every text in it escaped."""
    made: list[str] = []
    for text, around in parts:
        safe: str = escape(text)
        if around:  # anew in each line: what is around it ends there
            safe = "\n".join(around.format(line) if line else "" for line in safe.split("\n"))
        made.append(safe)
    return "".join(made).split("\n")


def _lines(lines: Iterable[str]) -> Markup:
    """Each line in a `span` of its own, which the stylesheet numbers."""
    return Markup("\n".join(f'<span class="line">{line}</span>' for line in lines))  # noqa: S704


def numbered(lines: Iterable[str], first: int, marks: Container[int] = ()) -> Markup:
    """The same, numbered from the first on; those whose numbers are in `marks` are marked."""
    shown = (
        f'<span class="line{" noted" if n in marks else ""}" data-n="{n}">{line}</span>'
        for n, line in enumerate(lines, first)
    )
    return Markup("\n".join(shown))  # noqa: S704
