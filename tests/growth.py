"""Whether a cost grows no worse than n log n of what a file has n of.

Processor time of this process is counted, per byte of the file, from one size to FACTOR times as
much: n log n makes that half as much again, a square FACTOR times as much. What takes next to no
time is passed over, and what looks costly is measured again, so that a busy machine fails no test.
"""

import gc
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress

from autograder.handin.submission import SubmissionError

FACTOR = 8
WORST = 4.0  # times as much per byte, caches and memory included
LITTLE = 0.1  # seconds
ATTEMPTS = 4
File = tuple[str, bytes]
Dimension = tuple[int, Callable[[int], File]]  # how many at first, and a file of so many


def hold(
    do: Callable[[File], object], dimension: Dimension, most: float, grown: float | None = None
) -> None:
    """Fails where `do` takes more than `most` seconds for the greater file, or grows too fast.

    Args:
        grown: how many times as much there is of it, where that is not in the file's bytes.
    """
    n, make = dimension
    few, many = make(n), make(FACTOR * n)
    if grown is None:
        grown = max(1.0, len(many[1]) / len(few[1]))
    slow = quick = float("inf")
    for _ in range(ATTEMPTS):
        slow = min(slow, seconds(do, many))
        if slow < min(LITTLE, most):
            return
        quick = min(quick, seconds(do, few))
        if slow < most and slow / quick / grown <= WORST:
            return
    raise AssertionError(f"{slow:.2f} s, {slow / quick / grown:.1f} times as much per byte")


def seconds(do: Callable[[File], object], file: File) -> float:
    gc.collect()
    gc.disable()  # as where files are read
    began = time.process_time()
    try:
        # A refusal; the process that reads ends at the others.
        with suppress(SubmissionError, RecursionError, MemoryError):
            do(file)
    finally:
        gc.enable()
    return time.process_time() - began


def cell(source: object, **more: object) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source,
        **more,
    }


def notebook(cells: Iterable[object], **metadata: object) -> File:
    document = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return "a.ipynb", json.dumps(document).encode()


def archive(members: Iterable[tuple[str, str]]) -> File:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in members:
            target.writestr(name, content)
    return "a.zip", buffer.getvalue()


def _named(name: str, **more: object) -> dict[str, object]:
    return cell("x = 1", metadata={"nbgrader": {"grade_id": name, "solution": True}}, **more)


def _script(make: Callable[[int], str]) -> Callable[[int], File]:
    return lambda n: ("a.py", make(n).encode())


_SCRIPTS: dict[str, tuple[int, Callable[[int], str]]] = {
    "a comment": (50000, lambda n: "#" + "x" * n),
    "lines": (300, lambda n: "x = 1\n" * n),
    "statements in a line": (300, lambda n: "x=1;" * n),
    "names": (225, lambda n: "".join(f"n{at} = {at}\n" for at in range(n))),
    "functions": (150, lambda n: "".join(f"def f{at}(x):\n  return x\n" for at in range(n))),
    "one function": (150, lambda n: "def f(x):\n  return x\n" * n),
    "methods": (225, lambda n: "class C:\n" + "  def f(self): pass\n" * n),
    "decorators": (500, lambda n: "@d\n" * n + "def f(x): pass\n"),
    "arguments": (500, lambda n: "def f(" + ",".join(f"a{at}" for at in range(n)) + "): pass\n"),
    "imports": (250, lambda n: "".join(f"import m{at}\n" for at in range(n))),
    "blank lines": (1250, lambda n: "x = 1\n" + "\n" * n + "y = 1\n"),
    "lines of blanks": (750, lambda n: "x = 1\n" + "  \t\n" * n + "y = 1\n"),
    "form feeds": (750, lambda n: "x = 1\n" + "\f\n" * n + "y = 1\n"),
    "blanks in a line": (12000, lambda n: "x = 1" + " " * n + "\ny = 1\n"),
    "blanks in lines": (100, lambda n: ("x = 1" + " " * n + "\n") * 100),
    "blank lines in quotes": (1250, lambda n: 'x = """\n' + "\n" * n + '"""\n'),
    "open quotes": (1250, lambda n: 'x = """\n' + "\n" * n),
    "backslashes": (1250, lambda n: "x = 1\\\n" + "\\\n" * n + "+1\n"),
    "a sum": (500, lambda n: "x = " + "1+" * n + "1\n"),
    "brackets": (750, lambda n: "x = " + "(" * n),
    "signs": (750, lambda n: "x = " + "-" * n + "1\n"),
    "a list": (500, lambda n: "x = [" + "1," * n + "]\n"),
    "strings": (500, lambda n: "x = " + "'a' " * n + "\n"),
    "quotes": (750, lambda n: "'\n" * n),
    "strings in strings": (750, lambda n: "f'{" * n),
    "digits": (1250, lambda n: "x = " + "1_" * n + "1\n"),
    "an identifier": (6000, lambda n: "x" * n + " = 1\n"),
    "letters that fold": (500, lambda n: "\ufdfa" * n + " = 1\n"),
    "marks of byte order": (6000, lambda n: "\ufeff" * n + "x = 1\n"),
    "broken lines": (150, lambda n: "x = = 1\n" * n),
    "broken functions": (200, lambda n: "def f(x:\n  return x\n\n" * n),
    "open brackets": (100, lambda n: "x = (\n" * n),
    "cells of a script": (200, lambda n: "# %%\nx = 1\n" * n),
    "broken cells of a script": (100, lambda n: "# %%\nx = = 1\n" * n),
    "magics": (100, lambda n: "%time x = 1\n" * n),
    "commands": (100, lambda n: "!ls (a\n" * n),
    "questions": (100, lambda n: "x?\n" * n),
    "magics above quotes": (200, lambda n: "%time 1\n" * 20 + 'x = """\n' * n),
    "magics above brackets": (100, lambda n: "%time 1\n" * 20 + "x = (\n" * n),
    "magics upon magics": (150, lambda n: "%%time\n" * n + "x = = 1\n"),
    "flags": (150, lambda n: "def f(x):\n" + "  x = torch.relu(x)\n" * n),
    "functions that call": (
        200,
        lambda n: "".join(f"def f{at}(x):\n  return torch.relu(f{at + 1}(x))\n" for at in range(n)),
    ),
    "bindings": (125, lambda n: "def f(x):\n" + "  x = x + 0\n" * n + "  return x.relu()\n"),
    "attributes": (90, lambda n: "def f(x): return x" + ".a" * n + "\n"),
    "subscripts": (90, lambda n: "def f(x): return x" + "[0]" * n + "\n"),
    "run texts": (120, lambda n: "S = '" + "x=1;" * n + "'\n" + "exec(S)\n" * n),
    "patches": (125, lambda n: "".join(f"torch.x{at} = torch.relu\n" for at in range(n))),
}
SCRIPTS: dict[str, Dimension] = {what: (n, _script(make)) for what, (n, make) in _SCRIPTS.items()}
OTHERS: dict[str, Dimension] = {
    "a quadratic codec": (400, lambda n: ("a.py", b"# coding: punycode\n" + b"x-9999" * n)),
    "a codec of escapes": (400, lambda n: ("a.py", b"# coding: unicode_escape\n" + b"#\\u0" * n)),
    "a codec of two bytes": (1000, lambda n: ("a.py", ("x = 1\n" * n).encode("utf-16"))),
    "cells": (200, lambda n: notebook(cell(f"x = {at}") for at in range(n))),
    "broken cells": (100, lambda n: notebook(cell(f"x = = {at}") for at in range(n))),
    "cells with magics": (100, lambda n: notebook(cell(f"%time x = {at}") for at in range(n))),
    "texts": (500, lambda n: notebook([{"cell_type": "markdown", "source": "x"}] * n)),
    "outputs": (300, lambda n: notebook([cell("x = 1", outputs=[{"data": {"a": [1]}}] * n)] * 2)),
    "one id": (200, lambda n: notebook([cell("x = 1", id="same")] * n)),
    "names of cells": (200, lambda n: notebook(_named(f"a{at}") for at in range(n))),
    "plots of a cell": (
        300,
        lambda n: notebook([_named("a", outputs=[{"data": {"image/png": ["QUJD"] * 9}}] * n)]),
    ),
    "one name of cells": (200, lambda n: notebook([_named("a")] * n)),
    "metadata": (1250, lambda n: notebook([cell("x")], **{f"k{at}": at for at in range(n)})),
    "parts of a source": (350, lambda n: notebook([cell(["x = 1\n"] * n)])),
    "depth": (6000, lambda n: ("a.ipynb", b'{"cells":' + b"[" * n)),
    "files written": (
        50,
        lambda n: notebook(cell(f"%%writefile f{at}.py\nx = 1") for at in range(n)),
    ),
    "one file written": (50, lambda n: notebook([cell("%%writefile -a f.py\nx = 1")] * n)),
    "blanks before a file": (2500, lambda n: notebook([cell("%%file" + " " * n + "a'a")])),
    "members": (100, lambda n: archive((f"{at}.py", "x = 1\n") for at in range(n))),
    "other members": (300, lambda n: archive((f"{at}.txt", "") for at in range(n))),
    "environments": (
        100,
        lambda n: archive(
            (f"e{at}/{name}", "") for at in range(n) for name in ("pyvenv.cfg", "a.py")
        ),
    ),
    "long names": (150, lambda n: archive((f"{'a' * n}{at}.py", "x = 1") for at in range(10))),
    "broken members": (100, lambda n: archive((f"{at}.ipynb", "{") for at in range(n))),
}
