"""What is done with files that somebody handed in: each job in a process of its own.

A job is a pure function of files (names and contents) and plain arguments. Its result goes home by
the annotations of its type, so that is made of dataclasses, tuples, mappings, texts and numbers.
What a job cannot take it refuses with a SubmissionError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.handin.look import Look, look
from autograder.handin.notebook import Cell
from autograder.handin.submission import Submission, notebook_cells, parse
from autograder.reading.inside.answers import MOST_WRITTEN, Image, image, plots, texts
from autograder.reading.inside.code import File, Line, Piece, changes, pieces, whole
from autograder.reading.inside.prints import WINDOW, Prints, prints


@dataclass(frozen=True)
class Job:
    work: Callable[..., Any]
    result: Any  # the type
    sample: tuple[File, ...]  # to warm up with
    cpu_seconds: int = 5
    memory_bytes: int = 2**30  # of address space, of which a fresh process has a fifth
    reply_bytes: int = 8 * 2**20
    scratch_bytes: int = 2**20


def read(file: File) -> Submission:
    """The sources, as the sandbox loads them."""
    return parse(*file)


def cells(file: File) -> tuple[Cell, ...]:
    """All cells of a notebook."""
    return tuple(notebook_cells(*file))


def fingerprints(file: File, *, window: int = WINDOW) -> Prints:
    """What tells whether the code is like another's."""
    return prints(whole(file), window)


_NOTEBOOK = (
    "sample.ipynb",
    b'{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [],'
    b'"source": "%matplotlib inline\\nx = 1"}], "metadata": {},'
    b'"nbformat": 4, "nbformat_minor": 4}',
)
_PIXEL = (
    "pixel.gif",
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
)
JOBS: Mapping[str, Job] = {
    "read": Job(read, Submission, (_NOTEBOOK,)),
    "look": Job(look, Look, (_NOTEBOOK,), cpu_seconds=3, reply_bytes=2**18),
    "cells": Job(cells, tuple[Cell, ...], (_NOTEBOOK,)),
    "pieces": Job(pieces, tuple[Piece, ...], (_NOTEBOOK,), cpu_seconds=2),
    "changes": Job(
        changes, dict[str, tuple[Line, ...]] | None, (_NOTEBOOK, _NOTEBOOK), cpu_seconds=3
    ),
    "answers": Job(texts, dict[str, str], (_NOTEBOOK,), cpu_seconds=3, reply_bytes=4 * 2**20),
    "plots": Job(
        plots, dict[str, Image], (_NOTEBOOK,), cpu_seconds=10, reply_bytes=MOST_WRITTEN + 2**20
    ),
    "image": Job(image, Image, (_PIXEL,)),
    "whole": Job(whole, str, (_NOTEBOOK,)),
    "fingerprints": Job(fingerprints, Prints, (_NOTEBOOK,), cpu_seconds=10, reply_bytes=16 * 2**20),
}
