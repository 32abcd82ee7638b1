"""Stand-ins for the autograder: an engine for the pages, and graders that do as a test needs.

Run as a program, this is a real grader process with one of them:
`python -m tests.server.engines --data DIR --log FILE --seconds 0.5`.
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from autograder.handin.submission import Submission
from autograder.handout.kept import Asked, Handout, Part
from server.engine import AtCheck, CannotConfine, Engine, Grade, OpenGrader, Rules
from server.grading.grader import run_grader
from server.grading.queue import Patience
from server.grading.worker import Worker, run_worker
from server.storage.config import Config

REFERENCE = "0" * 64  # the digest of the exercises


@dataclass(frozen=True)
class Topic:
    name: str
    title: str
    max_score: float


@dataclass(frozen=True)
class Parts:
    head: Markup
    exercises: dict[str, Markup]


def parts(report: dict[str, Any], at_check: AtCheck) -> Parts:
    def found(row: dict[str, Any]) -> Markup:
        said = Markup("<p>{}: {} of {}</p>").format(row["name"], row["score"], row["max_score"])
        for check in row["checks"]:
            said += Markup("<div>{}{}</div>").format(
                check["name"], at_check(row["name"], check["name"], [check])
            )
        return said

    head = Markup("<h2>{} of {} points</h2>").format(report["score"], report["max_score"])
    return Parts(head, {row["name"]: found(row) for row in report["exercises"]})


def as_view(view: str, report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "view": view}


HANDOUT = Handout(
    (
        Part("text", "# Normalization\n\nWith $\\mu < 1$ and <b>no</b> tags.\n\n## Why"),
        Part("exercise", "batch_norm"),
        Part("experiment", "print('<experiment>')"),
        Part("exercise", "group_norm"),
    ),
    {
        name: Asked(name, 10.0, (name,), f"def {name}(x):\n    raise NotImplementedError")
        for name in ("batch_norm", "group_norm")
    },
)


@cache
def everything() -> Path:
    """What can be downloaded of each topic: a zip, as the engine's are."""
    folder = tempfile.mkdtemp(prefix="gradmark-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "everything.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(__file__, "engines.py")
    return path


ENGINE = Engine(
    {
        "normalization": Topic("normalization", "Normalization layers", 20.0),
        "losses": Topic("losses", "Losses", 10.0),
    },
    parts,
    {view: partial(as_view, view) for view in ("student", "instructor")},
    ".gm-report { color: var(--gm-fg) }",
    "document.title;",
    lambda topic: REFERENCE,
    handout=lambda topic: HANDOUT,
    archive=lambda topic: everything(),
)


def report(assignment: str, score: float = 15.0, reference: str = REFERENCE) -> dict[str, Any]:
    exercises = [
        {
            "name": "batch_norm",
            "score": 10.0,
            "max_score": 10.0,
            "checks": [_check(10.0)],
            "diagnosis": [],
        },
        {
            "name": "group_norm",
            "score": score - 10.0,
            "max_score": 10.0,
            "checks": [_check(score - 10.0)],
            "diagnosis": [{"name": "interleaved-groups", "hint": "Groups are contiguous."}],
        },
    ]
    return {
        "schema": "test",
        "assignment": assignment,
        "score": score,
        "max_score": 20.0,
        "exercises": exercises,
        "environment": {"reference": reference},
    }


CHECKED = {
    "notes": ["A note on the file."],
    "unseen": "More cases stay hidden.",
    "exercises": [
        {
            "name": "batch_norm",
            "checks": [{"name": "values: y", "message": ""}],
            "output": "printed",
        },
        {
            "name": "group_norm",
            "checks": [{"name": "values: y", "message": "y is <off> (case 'one')"}],
            "output": "",
        },
    ],
}


def _check(score: float) -> dict[str, Any]:
    passed = score == 10.0
    cases = [{"name": "case 1", "public": False, "passed": passed}]
    return {
        "name": "values: y",
        "kind": "values",
        "score": score,
        "max_score": 10.0,
        "passed": passed,
        "cases": cases,
    }


def grade(
    rules: Rules,
    topic: str,
    submission: Submission,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    progress("batch_norm", 0, 2)
    progress("group_norm", 1, 2)
    return CHECKED if rules.only_public else report(topic)


def opener(grade: Grade) -> OpenGrader:
    @contextmanager
    def open_grader() -> Iterator[Grade]:
        yield grade

    return open_grader


def slow(log: Path, seconds: float) -> Grade:
    """Grades slowly and notes when it begins and ends."""

    def note(word: str, submission: Submission) -> None:
        with log.open("a") as file:
            file.write(f"{word} {os.getpid()} {submission.filename}\n")

    def grade(
        rules: Rules,
        topic: str,
        submission: Submission,
        progress: Callable[[str, int, int], None],
    ) -> dict[str, Any]:
        note("begin", submission)
        if submission.filename.startswith("killer"):
            os.kill(os.getpid(), signal.SIGKILL)
        for step in range(10):
            progress(f"exercise_{step}", step, 10)
            time.sleep(seconds / 10)
        note("end", submission)
        return report(topic)

    return grade


@contextmanager
def unconfined() -> Iterator[Grade]:
    raise CannotConfine("This machine has no sandbox: install bubblewrap.")
    yield  # a generator


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--lease", type=float, default=15.0)
    parser.add_argument("--supervised", action="store_true")
    parser.add_argument("--worker", type=int, help="be woken by bells, and grade so many at once")
    parser.add_argument("--no-beat", dest="beat", action="store_false", help="and by bells alone")
    options = parser.parse_args()
    patience = Patience(timedelta(seconds=options.lease), (timedelta(0),) * 3)
    open_grader = opener(slow(options.log, options.seconds)) if options.log else unconfined
    if options.worker:
        worker = partial(Worker, Config(options.data), open_grader, patience=patience)
        return run_worker(worker, options.worker, beat=options.beat)
    return run_grader(
        Config(options.data), open_grader, supervised=options.supervised, patience=patience
    )


if __name__ == "__main__":
    sys.exit(main())
