"""What a student handed in, to be read: as highlighted text, never as what it claims to be."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.handin.submission import SubmissionError
from autograder.reading import reader

_HIGHLIGHTED = 200_000  # characters of a file; a longer one is shown plain
_SHOWN = 1_000_000  # and cut here: the download has all


@dataclass(frozen=True)
class Piece:
    """A file, or a notebook's code cell."""

    title: str
    html: Markup
    cut: bool


def pieces(filename: str, content: bytes) -> list[Piece]:
    """The sources of a submission, in its order; none when it cannot be read (any more)."""
    try:
        sources = reader().read(filename, content).sources
    except SubmissionError:
        return []
    found = []
    for source in sources:
        for number, chunk in enumerate(source.chunks, 1):
            if source.notebook and not chunk.strip():
                continue
            title = f"{source.module}, cell {number}" if source.notebook else f"{source.module}.py"
            found.append(Piece(title, _html(chunk), len(chunk) > _SHOWN))
    return found


def _html(text: str) -> Markup:
    """Each line in a `span` of its own, which the stylesheet numbers."""
    if len(text) > _HIGHLIGHTED:
        lines = text[:_SHOWN].split("\n")
        return Markup("\n").join(Markup('<span class="line">{}</span>').format(t) for t in lines)
    formatter = HtmlFormatter(nowrap=True, classprefix="hl-")
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    html: str = highlight(text, lexer, formatter)
    # The formatter escapes, and closes its elements at the end of each line.
    return Markup("\n").join(
        Markup('<span class="line">{}</span>').format(Markup(line))  # noqa: S704
        for line in html.split("\n")
    )


def marked(text: str, ranges: list[list[int]]) -> Markup:
    """The text with these ranges marked, escaped, line by line."""
    lines: list[Markup] = [Markup()]
    at = 0
    for begin, end in [*ranges, [len(text), len(text)]]:
        for part, inside in ((text[at:begin], False), (text[begin:end], True)):
            first, *others = part.split("\n")
            for index, line in enumerate((first, *others)):
                if index:
                    lines.append(Markup())
                if line:
                    lines[-1] += Markup("<mark>{}</mark>").format(line) if inside else escape(line)
        at = max(at, end)
    return Markup("\n").join(Markup('<span class="line">{}</span>').format(t) for t in lines)
