"""Reading costs no more than n log n of whatever a file has n of.

Each dimension that somebody can choose grows to eight times its size, through each job that reads
hand-ins for pages, API, class grading, graders, comparison, similarity and nbgrader's bridge (which
job serves which door is in `DOORS`). Processor time is counted, per byte of the file: n log n makes
it half as much again, a square eight times as much. What takes next to no time is passed over, and
what looks costly is measured again, so that a busy machine does not make it fail.
"""

import gc
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest

from autograder.handin.submission import SubmissionError
from autograder.reading.inside.jobs import JOBS

pytest.importorskip("copydetect", reason="pip install 'gradmark[similarity]'")

FACTOR = 8
WORST = 5.0  # times as much per byte, caches and neighbours included; a square takes FACTOR
LITTLE = 0.06  # seconds of processor time that are not looked at
DOORS = {
    "read": "gradmark grade, class grading, a grader's load",
    "look": "upload on the page and by the API",
    "pieces": "staff's pages, a student's own code",
    "whole": "a pair side by side",
    "changes": "comparison of two attempts",
    "fingerprints": "similarity",
    "cells": "nbgrader's bridge",
}
PLAIN = ("a.py", b"x = 1\n")
File = tuple[str, bytes]


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


def marked(name: str) -> dict[str, object]:
    return cell("x = 1", metadata={"nbgrader": {"grade_id": name, "solution": True}})


SCRIPTS: dict[str, tuple[int, Callable[[int], str]]] = {
    "a comment": (50000, lambda n: "#" + "x" * n),
    "lines": (1333, lambda n: "x = 1\n" * n),
    "statements in a line": (1333, lambda n: "x=1;" * n),
    "names": (1000, lambda n: "".join(f"n{at} = {at}\n" for at in range(n))),
    "functions": (666, lambda n: "".join(f"def f{at}(x):\n  return x\n" for at in range(n))),
    "one function": (666, lambda n: "def f(x):\n  return x\n" * n),
    "methods": (666, lambda n: "class C:\n" + "  def f(self): pass\n" * n),
    "decorators": (1000, lambda n: "@d\n" * n + "def f(x): pass\n"),
    "arguments": (1000, lambda n: "def f(" + ",".join(f"a{at}" for at in range(n)) + "): pass\n"),
    "imports": (1000, lambda n: "".join(f"import m{at}\n" for at in range(n))),
    "blank lines": (2500, lambda n: "x = 1\n" + "\n" * n + "y = 1\n"),
    "lines of blanks": (1500, lambda n: "x = 1\n" + "  \t\n" * n + "y = 1\n"),
    "form feeds": (1500, lambda n: "x = 1\n" + "\f\n" * n + "y = 1\n"),
    "blanks in a line": (12000, lambda n: "x = 1" + " " * n + "\ny = 1\n"),
    "blank lines in quotes": (2500, lambda n: 'x = """\n' + "\n" * n + '"""\n'),
    "open quotes": (2500, lambda n: 'x = """\n' + "\n" * n),
    "backslashes": (2500, lambda n: "x = 1\\\n" + "\\\n" * n + "+1\n"),
    "a sum": (1500, lambda n: "x = " + "1+" * n + "1\n"),
    "brackets": (1500, lambda n: "x = " + "(" * n),
    "signs": (1500, lambda n: "x = " + "-" * n + "1\n"),
    "a list": (1500, lambda n: "x = [" + "1," * n + "]\n"),
    "strings": (1500, lambda n: "x = " + "'a' " * n + "\n"),
    "quotes": (1500, lambda n: "'\n" * n),
    "strings in strings": (1500, lambda n: "f'{" * n),
    "digits": (2500, lambda n: "x = " + "1_" * n + "1\n"),
    "an identifier": (6000, lambda n: "x" * n + " = 1\n"),
    "letters that fold": (1000, lambda n: "\ufdfa" * n + " = 1\n"),
    "broken lines": (300, lambda n: "x = = 1\n" * n),
    "broken functions": (300, lambda n: "def f(x:\n  return x\n\n" * n),
    "open brackets": (300, lambda n: "x = (\n" * n),
    "cells of a script": (300, lambda n: "# %%\nx = 1\n" * n),
    "broken cells of a script": (100, lambda n: "# %%\nx = = 1\n" * n),
}
OTHERS: dict[str, tuple[int, Callable[[int], File]]] = {
    "a quadratic codec": (
        833,
        lambda n: ("a.py", b"# coding: punycode\n" + b"x-9999" * n),
    ),
    "a codec of escapes": (
        833,
        lambda n: ("a.py", b"# coding: unicode_escape\n" + b"#\\u0" * n),
    ),
    "cells": (200, lambda n: notebook(cell(f"x = {at}") for at in range(n))),
    "broken cells": (100, lambda n: notebook(cell(f"x = = {at}") for at in range(n))),
    "cells with magics": (100, lambda n: notebook(cell(f"%time x = {at}") for at in range(n))),
    "texts": (1000, lambda n: notebook([{"cell_type": "markdown", "source": "x"}] * n)),
    "outputs": (666, lambda n: notebook([cell("x = 1", outputs=[{"data": {"a": [1]}}] * n)] * 2)),
    "one id": (200, lambda n: notebook([cell("x = 1", id="same")] * n)),
    "names of cells": (200, lambda n: notebook(marked(f"a{at}") for at in range(n))),
    "one name of cells": (200, lambda n: notebook([marked("a")] * n)),
    "metadata": (2500, lambda n: notebook([cell("x")], **{f"k{at}": at for at in range(n)})),
    "parts of a source": (1000, lambda n: notebook([cell(["x = 1\n"] * n)])),
    "depth": (6000, lambda n: ("a.ipynb", b'{"cells":' + b"[" * n)),
    "files written": (
        50,
        lambda n: notebook(cell(f"%%writefile f{at}.py\nx = 1") for at in range(n)),
    ),
    "one file written": (50, lambda n: notebook([cell("%%writefile -a f.py\nx = 1")] * n)),
    "members": (100, lambda n: archive((f"{at}.py", "x = 1\n") for at in range(n))),
    "other members": (666, lambda n: archive((f"{at}.txt", "") for at in range(n))),
    "environments": (
        111,
        lambda n: archive(
            (f"e{at}/{name}", "") for at in range(n) for name in ("pyvenv.cfg", "a.py")
        ),
    ),
    "long names": (333, lambda n: archive((f"{'a' * n}{at}.py", "x = 1") for at in range(10))),
    "broken members": (100, lambda n: archive((f"{at}.ipynb", "{") for at in range(n))),
}
ALL: dict[str, tuple[int, Callable[[int], File]]] = OTHERS | {
    what: (n, lambda n, make=make: ("a.py", make(n).encode()))  # type: ignore[misc]
    for what, (n, make) in SCRIPTS.items()
}


def seconds(job: str, file: File) -> float:
    files = (PLAIN, file) if job == "changes" else (file,)
    arguments = {"homes": {"f": "topic"}} if job == "look" else {}
    gc.collect()
    began = time.process_time()
    # A refusal; the reader's process ends at the others.
    with suppress(SubmissionError, RecursionError, MemoryError):
        JOBS[job].work(*files, **arguments)
    return time.process_time() - began


def test_every_job_has_a_door():
    assert JOBS.keys() == DOORS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("what", ALL)
def test_reading_costs_no_more_than_n_log_n(what):
    n, make = ALL[what]
    few, many = make(n), make(FACTOR * n)
    grown = len(many[1]) / len(few[1])
    for job in ("look", "cells") if few[0].endswith("ipynb") else ("look",):
        hold(job, few, many, grown, 3.0)
    for job in ("pieces", "fingerprints") if what in SCRIPTS else ("pieces",):
        hold(job, few, many, grown, JOBS[job].cpu_seconds)


def hold(job: str, few: File, many: File, grown: float, most: float) -> None:
    ratio = 0.0
    for attempt in range(4):
        slow = seconds(job, many)
        assert slow < most or attempt < 3, f"{job}: {slow:.1f} s"
        if slow < LITTLE:
            return
        ratio = slow / seconds(job, few) / grown
        if ratio <= WORST and slow < most:
            return
    raise AssertionError(f"{job}: {ratio:.1f} times as much per byte")
