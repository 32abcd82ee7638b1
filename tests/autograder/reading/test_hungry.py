"""Files that are made to cost: each through each job, which ends by its limits if by nothing else.

Every dimension of a file grows here that somebody can choose: its size, and how often there is of
something, how deep, and how long.
"""

import json
import re
import resource
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import pytest

from autograder.handin.submission import SubmissionError
from autograder.reading import Reader
from autograder.reading.inside.code import MOST_LINES, MOST_SHOWN
from autograder.reading.inside.jobs import JOBS
from tests.autograder.reading.test_reader import lying_zip, notebook, zipped

MEBIBYTE = 2**20


def broken_outputs(count: int) -> bytes:
    """Outputs that fit no kind of output: validation tries every one of them."""
    output = {"output_type": "display_data", "data": {"a/b": [1, {"x": {}}]}, "oops": 1}
    cell = {"cell_type": "code", "source": "x = 1", "outputs": [output] * count, "metadata": {}}
    cells = [{**cell, "id": "same", "execution_count": None}] * 4
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


HUNGRY = {
    "blank lines": ("a.py", b"x = 1\n" + b"\n" * 200_000 + b"y = 2\n"),
    "blank lines with blanks": ("a.py", b"x = 1\n" + b"  \t\n" * 100_000),
    "blank lines between quotes": ("a.py", b'"""\n' + b"\n" * 100_000),
    "one line": ("a.py", b"x = " + b"1 + " * 250_000 + b"1\n"),
    "names": ("a.py", b"".join(b"name_%d = %d\n" % (at, at) for at in range(60_000))),
    "functions": ("a.py", b"".join(b"def f%d(x):\n  return x\n" % at for at in range(40_000))),
    "depth": ("a.py", b"x = " + b"(" * 100_000),
    "quotes": ("a.py", b"'''\"\"\"" * 100_000),
    "strings in strings": ("a.py", b"f'{" * 100_000),
    "a codec that is quadratic": ("a.py", b"# coding: punycode\n" + b"x-9999" * 60_000),
    "a codec that raises": ("a.py", b"# coding: undefined\nx = 1\n"),
    "a codec of Python's": ("a.py", b"# coding: unicode_escape\nx = '\\ud800'\n"),
    "cells": ("a.ipynb", notebook(*["x = 1"] * 8000)),
    "outputs": ("a.ipynb", broken_outputs(1000)),
    "depth of a notebook": ("a.ipynb", b"[" * MEBIBYTE),
    "numbers of a notebook": ("a.ipynb", b'{"cells": [' + b"9" * MEBIBYTE + b"]}"),
    "surrogates": ("a.ipynb", notebook("x = '\ud800\udfff'", "\ud800" * 1000)),
    "members": ("a.zip", zipped({f"{at}.py": b"x = 1\n" for at in range(5000)})),
    "depth of a path": ("a.zip", zipped({"a/" * 20_000 + "a.py": b"x = 1\n"})),
    "bzip2": ("a.zip", lying_zip(80, zipfile.ZIP_BZIP2)),
    "zip in zip": ("a.zip", zipped({"a.zip": zipped({"a.py": b"x = 1\n"})})),
}
PLAIN = ("a.py", b"x = 1\n")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader(warm=("read", "pieces", "fingerprints"))
    yield reader
    reader.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, job in JOBS.items():
        monkeypatch.setitem(JOBS, name, replace(job, cpu_seconds=1, memory_bytes=700 * MEBIBYTE))


def run(reader, job, *files, **arguments):
    """The result, or the sentence of the refusal."""
    try:
        return reader.run(job, *files, **arguments)
    except SubmissionError as error:
        sentence = str(error)
        assert len(sentence) <= 300
        assert re.match(r"[^\n]+[.!]$", sentence), sentence
        return sentence


@pytest.mark.slow
@pytest.mark.parametrize("what", HUNGRY)
def test_what_is_made_to_cost_ends_and_leaves_the_reader_as_it_was(reader, what):
    file = HUNGRY[what]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(reader, "look", file, homes={})
    run(reader, "changes", file, PLAIN)
    run(reader, "changes", PLAIN, file)
    run(reader, "fingerprints", file)
    shown = run(reader, "pieces", file)
    plain = run(reader, "pieces", file, highlighted=False)
    for pieces in (shown, plain):
        if not isinstance(pieces, str):
            assert sum(len(piece.text) for piece in pieces) <= MOST_SHOWN
            assert sum(piece.text.count("\n") + 1 for piece in pieces) <= MOST_LINES + 1
    text = str(run(reader, "read", file))
    assert "\0" not in text
    text.encode()  # nothing that could not be stored
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 2**10  # KiB
    assert run(reader, "look", PLAIN, homes={}).filename == "a.py"


@pytest.mark.parametrize("what", ["blank lines", "blank lines with blanks"])
def test_nobody_hides_from_the_search_or_from_the_page_by_making_it_costly(reader, what):
    """It costs no more than its length, so it is not left out."""
    assert not isinstance(run(reader, "fingerprints", HUNGRY[what]), str)
    assert not isinstance(run(reader, "pieces", HUNGRY[what]), str)
