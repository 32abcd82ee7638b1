"""What IPython understands and Python does not, as Python: magics, commands, prompts, indentation.

Nothing is run: IPython's own input transformation is a function of text.
"""

from __future__ import annotations

import ast
import re
import warnings
from contextlib import suppress

from selfcheck.loading.statements import runs_cell

# Where a cell begins in a .py, as VS Code, Jupytext and nbconvert write it.
_MARK = re.compile(r"^(?=#\s*(?:%%|In\[))", re.MULTILINE)
_WRITES = re.compile(
    r"%%(?:writefile|file)\s+(?P<append>-a\s+|--append\s+)?['\"]?(?P<path>[^'\"\n]+)"
)


def cell(text: str) -> str:
    """A notebook's cell as Python, its lines where they were as far as can be."""
    if is_python(text):
        return text
    lines = text.split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip(" \t#")), 0)
    if lines[first].lstrip().startswith("%%"):
        if not runs_cell(lines[first].lstrip()):
            return ""
        return "\n".join([*lines[:first], "#", cell("\n".join(lines[first + 1 :]))])
    return _as_ipython_does(text)


def script(text: str) -> str:
    """A `.py` as Python: cells that it is divided into may hold what a notebook's do."""
    return text if is_python(text) else "".join(cell(part) for part in _MARK.split(text))


def written_file(text: str) -> tuple[str, str, bool] | None:
    """The path and the text of a file that a `%%writefile` cell writes, and whether at its end."""
    first, _, rest = text.lstrip().partition("\n")
    found = _WRITES.fullmatch(first.rstrip())
    return (found["path"].strip(), rest, bool(found["append"])) if found else None


def is_python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _as_ipython_does(text: str) -> str:
    with suppress(Exception):  # it meets what is neither with exceptions of many kinds
        plain = text.lstrip("\n")
        return "\n" * (len(text) - len(plain)) + _transform(plain)
    return text


def _transform(text: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager  # most texts need none of it

    return str(TransformerManager().transform_cell(text))  # type: ignore[no-untyped-call]
