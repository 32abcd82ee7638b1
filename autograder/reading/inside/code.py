"""A hand-in's code as somebody reads it: in pieces, highlighted, compared line by line."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from autograder.handin.submission import Source, Submission, parse
from autograder.sandbox.inside.loading.statements import read

File = tuple[str, bytes]

MOST_SHOWN = 500_000  # characters of a hand-in; the download has all
MOST_LINES = 20_000
MOST_HIGHLIGHTED = 100_000  # characters; what comes after them is shown plain
MOST_COMPARED = 4000  # lines: comparing them takes longer than it takes to read them
LONGEST_ALIKE = 400_000  # characters of a hand-in that are held against others
_AROUND = 3  # unchanged lines shown around a change
_MOST_BLANK = 100  # lines in a row: Pygments looks at them once more from each of them
_MANY_BLANKS = re.compile(r"\n(?:[^\S\n]*\n){2,}")


@dataclass(frozen=True)
class Stretch:
    """The lines of a function or a class at the top level, from 1 on, both included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class Piece:
    """A file, or a notebook's code cell. Its text is a row of parts: so many characters of a kind
    each, by the short names that Pygments gives to kinds of tokens."""

    title: str
    text: str
    cut: bool
    lengths: tuple[int, ...]
    kinds: tuple[str, ...]
    functions: tuple[Stretch, ...]


@dataclass(frozen=True)
class Line:
    kind: str  # "added", "removed", "same", or "place": where in the file the next lines stand
    text: str


def pieces(file: File, *, highlighted: bool = True) -> tuple[Piece, ...]:
    """The code of a hand-in, in its order, as much of it as somebody can look at."""
    shown, lines, plain = MOST_SHOWN, MOST_LINES, 0 if highlighted else MOST_HIGHLIGHTED
    found = []
    for title, chunk in _chunks(parse(*file)):
        text = "\n".join(chunk[:shown].split("\n", lines)[:lines])
        shown -= len(text)
        lines -= text.count("\n") + 1
        parts = [(len(text), "")]
        functions: tuple[Stretch, ...] = ()
        if plain + len(text) <= MOST_HIGHLIGHTED and _blank(text) < _MOST_BLANK:
            parts, functions = list(_parts(text)), tuple(_functions(text))
        plain += len(text)
        lengths, kinds = zip(*parts, strict=True) if parts else ((), ())
        found.append(Piece(title, text, len(text) < len(chunk), lengths, kinds, functions))
        if shown <= 0 or lines <= 0:
            break
    return tuple(found)


def changes(before: File, after: File) -> dict[str, tuple[Line, ...]] | None:
    """The changed lines of each module that differs; None when there is too much to compare."""
    parsed = (parse(*before), parse(*after))
    old, new = ({source.module: _text(source) for source in s.sources} for s in parsed)
    if len(old) == len(new) == 1:  # a file that only has another name
        old = dict(zip(new, old.values(), strict=True))
    differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    pairs = {name: (old.get(name, []), new.get(name, [])) for name in differing}
    if sum(len(lines) for pair in pairs.values() for lines in pair) > MOST_COMPARED:
        return None
    return {name: tuple(_lines(*pair)) for name, pair in pairs.items()}


def whole(file: File) -> str:
    """All code of a hand-in as one text, the files and cells under headings, without long stretches
    of blank lines."""
    parts = []
    for title, chunk in _chunks(parse(*file)):
        parts += [f"# {title}", chunk.strip("\n") + "\n"]
    return _MANY_BLANKS.sub("\n\n\n", "\n".join(parts))[:LONGEST_ALIKE]


def _chunks(submission: Submission) -> Iterator[tuple[str, str]]:
    """The files and cells that hold something, with their names."""
    for source in submission.sources:
        for number, chunk in enumerate(source.chunks, 1):
            if not source.notebook:
                yield f"{source.module}.py", chunk
            elif chunk.strip():
                yield f"{source.module}, cell {number}", chunk


def _blank(text: str) -> int:
    """How many blank lines it has in a row."""
    lines = ((blank, len(list(run))) for blank, run in groupby(text.split("\n"), _is_blank))
    return max((count for blank, count in lines if blank), default=0)


def _is_blank(line: str) -> bool:
    return not line or line.isspace()


def _functions(text: str) -> Iterator[Stretch]:
    for node in read(text)[0]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield Stretch(node.name, first, node.end_lineno or node.lineno)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    from pygments.lexers import PythonLexer
    from pygments.token import STANDARD_TYPES

    for kind, part in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        while kind not in STANDARD_TYPES:
            kind = kind.parent
        yield len(part), STANDARD_TYPES[kind]


def _lines(before: list[str], after: list[str]) -> Iterator[Line]:
    kinds = {"+": "added", "-": "removed", " ": "same"}
    diff = difflib.unified_diff(before, after, lineterm="", n=_AROUND)
    for line in list(diff)[2:]:  # without the two file names
        if line.startswith("@@"):
            yield Line("place", line.strip("@ "))
        else:
            yield Line(kinds[line[0]], line[1:])


def _text(source: Source) -> list[str]:
    return "\n\n".join(source.chunks).split("\n")
