"""Source text as its top-level statements, also where some of it is no Python."""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

MAX_PARSED = 10_000_000  # characters, read again and again around what is broken
MAX_BROKEN = 50
MAX_TRUSTED = 4  # times in a row that what stands above an error holds another one
# What goes on with the statement above although it stands at the margin.
_CONTINUES = re.compile(r"[\s#)\]}]|$|(?:else|elif|except|finally)\b")
_DEFINES = re.compile(r"(?:async\s+)?(?:def|class)\s+(\w+)")
_LINE = re.compile(r"(\b(?:on|at) line )(\d+)")
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
# Texts that were found to be Python, with what they were parsed to, until that is read: the last
# ones, so many, of so many characters together.
MAX_AHEAD = 64
MAX_CHARS_AHEAD = 4 * 2**20
_ahead: dict[str, ast.Module] = {}
# Magics that run Python code: of a line, and of a cell.
_RUN_LINES = {"time"}
_RUN_CELLS = {"time", "timeit", "capture", "prun", "memit"}


@dataclass(frozen=True)
class Broken:
    """A stretch of text that is no Python; `name` is what it seems to define, or empty."""

    line: int
    exception: str
    message: str
    name: str = ""


def is_python(text: str) -> bool:
    """Whether it is, all of it. Reading it next does not parse it again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text)
        except _UNREADABLE:
            return False
    _ahead[text] = tree
    while len(_ahead) > MAX_AHEAD or sum(map(len, _ahead)) > MAX_CHARS_AHEAD:
        del _ahead[next(iter(_ahead))]
    return True


def read(text: str) -> tuple[list[ast.stmt], list[Broken]]:
    """The statements, and what is no Python: a syntax error costs its own statement alone.

    Calls of `get_ipython()` that run code, as nbconvert writes them, are replaced by that code.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        broken: list[Broken] = []
        try:
            # Whoever reads it may change it, so that nobody else is given the same one.
            body = (_ahead.pop(text, None) or ast.parse(text)).body
        except _UNREADABLE:
            body, broken = _around_what_is_broken(text)
        return [inner for statement in body for inner in _unfolded(statement)], broken


def _around_what_is_broken(text: str) -> tuple[list[ast.stmt], list[Broken]]:
    """Begin anew, after what is broken, at the next line that stands at the margin."""
    lines = text.split("\n")
    starts = [at for at, line in enumerate(lines) if not _CONTINUES.match(line)]
    starts = starts or [0]
    most, bounds = len(starts), [*starts, len(lines)]
    body: list[ast.stmt] = []
    broken: list[Broken] = []
    left = MAX_PARSED
    first, end, trusted = 0, most, 0
    while first < most:
        part = "\n".join(lines[bounds[first] : bounds[end]])
        left -= len(part)
        try:
            found = ast.parse(part).body
        except _UNREADABLE as error:
            line = bounds[first] + max(getattr(error, "lineno", None) or 1, 1) - 1
            at = max(first, bisect_right(starts, line, first, end) - 1)
            if at > first:
                # Of brackets that are never closed, the last one is named.
                trusted += 1
                end = at if trusted <= MAX_TRUSTED else first + (at - first + 1) // 2
            elif end > first + 1:
                end = first + 1
            else:
                broken.append(_broken(error, bounds[first], lines[bounds[first] : bounds[end]]))
                first, end, trusted = first + 1, most, 0
            if left < 0 or len(broken) >= MAX_BROKEN:
                break
        else:
            for statement in found:
                ast.increment_lineno(statement, bounds[first])
            body += found
            first, end, trusted = end, most, 0
    return body, broken


def _broken(error: BaseException, above: int, lines: list[str]) -> Broken:
    """Args: above: how many lines stand above these."""
    name = next((found[1] for found in map(_DEFINES.match, lines) if found), "")
    message = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
    message = _LINE.sub(lambda found: f"{found[1]}{int(found[2]) + above}", message)
    line = max(getattr(error, "lineno", None) or 1, 1)
    return Broken(above + line, type(error).__name__, message, name)


def _unfolded(statement: ast.stmt) -> Iterator[ast.stmt]:
    code = magic_code(statement)
    if code is None:
        yield statement
        return
    for inner in read(code)[0]:
        for node in ast.walk(inner):
            if hasattr(node, "lineno"):
                node.lineno = node.end_lineno = statement.lineno  # type: ignore[attr-defined]
        yield inner


def magic_code(statement: ast.stmt) -> str | None:
    """The code that a `get_ipython().run_line_magic(...)` or `run_cell_magic(...)` runs."""
    match statement:
        case ast.Expr(
            ast.Call(
                ast.Attribute(ast.Call(ast.Name("get_ipython"), [], []), method),
                [ast.Constant(str() as magic), *rest],
                [],
            )
        ):
            texts = [part.value for part in rest if isinstance(part, ast.Constant)]
            if not texts or not isinstance(texts[-1], str):
                return None
            runs = {"run_line_magic": _RUN_LINES, "run_cell_magic": _RUN_CELLS}
            return texts[-1] if magic in runs.get(method, ()) else None
    return None


def runs_cell(first_line: str) -> bool:
    """Whether a cell that begins with this `%%magic` line is Python all the same."""
    words = first_line.strip().removeprefix("%%").split()
    return bool(words) and words[0] in _RUN_CELLS
