"""Reading costs no more than n log n of whatever a file has n of, by every job and in a worker.

Which jobs serve which door stands in `DOORS`; that pages, the API and the rest of the doors add no
more is in `tests/server/test_growth.py`.
"""

import pytest

from autograder.handin.submission import parse
from autograder.policy import Code
from autograder.reading.inside.jobs import JOBS
from autograder.sandbox.codec import Statement
from autograder.sandbox.inside.scan import scan
from tests.growth import OTHERS, SCRIPTS, File, hold

pytest.importorskip("copydetect", reason="pip install 'gradmark[similarity]'")

DOORS = {
    "read": "gradmark grade, folders, a grader's load, nbgrader, Gradescope",
    "look": "upload on the page and by the API",
    "pieces": "staff's pages, a student's own code",
    "whole": "a pair side by side",
    "changes": "comparison of two attempts",
    "fingerprints": "similarity, of a course and of a folder",
    "cells": "nbgrader's exchange",
    "answers": "what people mark, in a notebook",
    "plots": "what people mark, as a notebook shows it",
    "image": "what people mark, as an image",
}
PLAIN = ("a.py", b"x = 1\n")


def test_every_job_has_a_door():
    assert JOBS.keys() == DOORS.keys()


def job(name: str):
    named = {"names": ["f", "a"]}
    arguments = {"look": {"homes": {"f": "a"}}, "answers": named, "plots": named}.get(name, {})
    return lambda file: JOBS[name].work(file, **arguments)


def followed(file: File) -> None:
    """As a worker does before it loads, and a grader with what it is told."""
    sources = parse(*file).sources
    statements = [
        Statement(
            frozenset(fact["bound"]), frozenset(fact["reads"]), tuple(map(tuple, fact["uses"]))
        )
        for fact in scan(sources)
    ]
    code = Code(statements, sources)
    code.used(["f", "f0"], ("relu",))
    code.reads("f")


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    for name in JOBS:
        JOBS[name].work(*JOBS[name].sample)
    JOBS["look"].work(("a.py", b"%time x = 1\n" * 30))


@pytest.mark.slow
@pytest.mark.parametrize("what", SCRIPTS)
def test_a_script_costs_no_more_than_n_log_n(what):
    for name in ("look", "pieces", "fingerprints"):
        hold(job(name), SCRIPTS[what], JOBS[name].cpu_seconds / 2)
    hold(followed, SCRIPTS[what], 3.0)


@pytest.mark.slow
@pytest.mark.parametrize("what", OTHERS)
def test_a_notebook_or_an_archive_costs_no_more_than_n_log_n(what):
    notebook = OTHERS[what][1](1)[0].endswith("ipynb")
    for name in ("look", "pieces", *(("cells", "answers", "plots") if notebook else ())):
        hold(job(name), OTHERS[what], JOBS[name].cpu_seconds / 2)


def shuffled(n: int) -> File:
    """Two halves that share every line, and few of them in the same order."""
    lines = [f"x{(at * 7919) % n}" for at in range(n)]
    return "a.py", "\n".join(lines).encode()


@pytest.mark.slow
def test_comparing_costs_no_more_than_n_log_n():
    def compared(file: File) -> None:
        name, content = file
        JOBS["changes"].work(file, (name, b"\n".join(reversed(content.split(b"\n")))))

    hold(compared, (240, shuffled), 1.0)
