"""What IPython understands and Python does not, as Python: magics, commands, prompts, indentation.

Nothing is run: IPython's own input transformation is a function of text.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from selfcheck.loading.statements import is_python, runs_cell

# Where a cell begins in a .py, as VS Code, Jupytext and nbconvert write it.
_MARK = re.compile(r"^(?=#\s*(?:%%|In\[))", re.MULTILINE)
_WRITES = re.compile(r"%%(?:writefile|file)\s")
_APPENDS = ("-a", "--append")
# Lines that may be a magic, a command or a question, and how many of them IPython's own way is
# for: it reads the whole cell once more for each.
_ESCAPED = re.compile(r"^[ \t]*[%!?/,;]|=[ \t]*[%!]|\?[ \t]*$", re.MULTILINE)
_FEW = 16
# A line that is whole and no such thing, whatever stands around it.
_PLAIN_LINE = re.compile(r"""[^%!?/,;'"()\[\]{}\\]*\n?\Z""")


def cell(text: str) -> str:
    """A notebook's cell as Python, its lines where they were as far as can be."""
    if is_python(text):
        return text
    lines = text.split("\n")
    code = 0  # where it begins, below the magics that run it
    for at, line in enumerate(lines):
        if line.lstrip().startswith("%%"):
            if not runs_cell(line.lstrip()):
                return ""
            lines[at] = "#"
            code = at + 1
        elif line.strip(" \t#"):
            break
    rest = "\n".join(lines[code:])
    if not code or not is_python(rest):
        rest = _as_ipython_does(rest)
    return "\n".join([*lines[:code], rest])


def script(text: str) -> str:
    """A `.py` as Python: cells that it is divided into may hold what a notebook's do."""
    return text if is_python(text) else "".join(cell(part) for part in _MARK.split(text))


def written_file(text: str) -> tuple[str, str, bool] | None:
    """The path and the text of a file that a `%%writefile` cell writes, and whether at its end."""
    first, _, rest = text.lstrip().partition("\n")
    if not _WRITES.match(first):
        return None
    path = first.partition("file")[2].strip()
    words = path.split(None, 1)
    append = len(words) > 1 and words[0] in _APPENDS
    path = (words[1] if append else path).strip("'\"")
    return (path.strip(), rest, append) if path and not {"'", '"'} & set(path) else None


def _as_ipython_does(text: str) -> str:
    with suppress(Exception):  # it meets what is neither with exceptions of many kinds
        plain = text.lstrip("\n")
        return "\n" * (len(text) - len(plain)) + _transform(plain)
    return text


def _transform(text: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager  # most texts need none of it

    manager: Any = TransformerManager()  # type: ignore[no-untyped-call]
    if len(_ESCAPED.findall(text)) <= _FEW:
        return str(manager.transform_cell(text))
    lines = text.splitlines(keepends=True)
    for transform in (*manager.cleanup_transforms, *manager.line_transforms):
        lines = transform(lines)
    return "".join(_piece_by_piece(lines, manager.do_token_transforms))


def _piece_by_piece(lines: list[str], transform: Callable[[list[str]], list[str]]) -> Iterator[str]:
    """The same, statement by statement, so that a cell costs no more than its length."""
    at = 0
    while at < len(lines):
        end = at + 1
        if _PLAIN_LINE.match(lines[at]):
            yield lines[at]
        else:
            while end < len(lines) and lines[end - 1].endswith("\\\n"):
                end += 1
            piece = transform(lines[at:end])
            if piece == lines[at:end]:  # neither a magic nor a command, so it may go on
                end = at + max(end - at, _length(islice(lines, at, None)))
                piece = transform(lines[at:end])
            yield from piece
        at = end


def _length(lines: Iterator[str]) -> int:
    """How many lines the statement has that begins here, as far as it can be told."""
    taken = 0

    def line() -> str:
        nonlocal taken
        taken += 1
        return next(lines)

    depth = 0
    with suppress(tokenize.TokenError, SyntaxError, StopIteration):
        for token in tokenize.generate_tokens(line):
            if token.type == tokenize.NEWLINE or (token.type == tokenize.NL and depth <= 0):
                return token.end[0]
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
    return taken
