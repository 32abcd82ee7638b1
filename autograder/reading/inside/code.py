"""A hand-in's code as somebody reads it: in pieces, highlighted, compared line by line."""

from __future__ import annotations

import ast
import difflib
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from autograder.handin.submission import Source, Submission, parse
from autograder.sandbox.inside.loading.statements import read

File = tuple[str, bytes]

MOST_SHOWN = 500_000  # characters of a hand-in; the download has all
MOST_LINES = 20_000
MOST_HIGHLIGHTED = 100_000  # characters; what comes after them is shown plain
MOST_COMPARED = 4000  # lines: comparing them takes longer than it takes to read them
LONGEST_ALIKE = 400_000  # characters of a hand-in that are held against others
_AROUND = 3  # unchanged lines shown around a change
_KINDS: dict[int, str] = {tokenize.COMMENT: "c", tokenize.NUMBER: "m", tokenize.STRING: "s"} | {
    getattr(tokenize, name): "s"
    for name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
    if hasattr(tokenize, name)  # from Python 3.12 on
}
_NAMED = {"def": "nf", "class": "nf", "@": "nd"}  # a name, by what stands before it
_LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
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
    each, "" where nothing is said of them: `_KINDS`, `k` for a keyword, and `_NAMED`."""

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
        if plain + len(text) <= MOST_HIGHLIGHTED:
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


def _functions(text: str) -> Iterator[Stretch]:
    for node in read(text)[0]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield Stretch(node.name, first, node.end_lineno or node.lineno)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """What Python's own tokens are in it, as far as it can be read as Python."""
    lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    at, before = 0, ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = _kind(token, before)
            if token.type == tokenize.NEWLINE:
                before = ""
            elif token.type not in _LAYOUT:
                # Elsewhere than at the beginning of a statement it multiplies matrices.
                before = "" if token.string == "@" and before else token.string
            if kind:
                (first, column), (last, end) = token.start, token.end
                begin = lines[first - 1] + column
                yield begin - at, ""
                at = lines[last - 1] + end
                yield at - begin, kind
    except (SyntaxError, tokenize.TokenError):
        pass
    yield len(text) - at, ""


def _kind(token: tokenize.TokenInfo, before: str) -> str:
    if token.type != tokenize.NAME:
        return _KINDS.get(token.type, "")
    if keyword.iskeyword(token.string):
        return "k"
    return _NAMED.get(before, "")


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
