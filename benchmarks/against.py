"""What grading the lecture's topics costs, against an older revision: processor time, by turns.

    python -m benchmarks.against f4bdfbe --rounds 5

Each revision grades in a process of its own, warm, the older one's solutions and the same with a
mistake in each topic; each round begins with another revision. Beside what the present revision
grades, it grades the older one's cases alone: what these cost more is the machinery's, the rest is
that of cases which were added since.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TOPICS = (
    "activations",
    "convolution",
    "initialization",
    "losses",
    "normalization",
    "regularization",
)
SECRET = b"the benchmark's own secret"
SETTLE = 300  # looks, a hundredth of a second apart
TICK = 1 / os.sysconf("SC_CLK_TCK")


class Answering:
    """The side that grades: it runs in the revision's own tree, with its own packages."""

    def __init__(self) -> None:
        from autograder.grading.grader import Grader
        from autograder.topics.catalogue import Catalogue
        from autograder.truth.oracle import Oracle

        self._catalogue = Catalogue.load()
        self._grader = Grader(self._catalogue, SECRET)
        self._oracle = Oracle

    def files(self) -> dict[str, dict[str, str]]:
        """Per topic, its solution, and the solution with the first misconception of each exercise
        that has one."""
        found: dict[str, dict[str, str]] = {}
        for name in TOPICS:
            (topic,) = self._catalogue[name].topics
            right = wrong = topic.solution()
            for exercise in topic.exercises[:1]:
                for edit in exercise.misconceptions[:1]:
                    if wrong.count(edit.old) == 1:
                        wrong = wrong.replace(edit.old, edit.new)
            found[name] = {"right": right, "wrong": wrong}
        return found

    def cases(self) -> list[list[str]]:
        """Of which exercise, check and name each case is."""
        return [
            [exercise.name, trial.check.name, trial.case.name]
            for topic, exercise in self._exercises()
            for trial in self._grader.trials(topic, exercise)
        ]

    def only(self, cases: Iterable[list[str]]) -> None:
        """Grade by these cases alone."""
        every = self._oracle.trials
        kept = {tuple(case) for case in cases}

        def some(oracle: Any, topic: Any, exercise: Any) -> Any:
            return tuple(
                trial
                for trial in every(oracle, topic, exercise)
                if (exercise.name, trial.check.name, trial.case.name) in kept
            )

        self._oracle.trials = some  # type: ignore[method-assign]

    def grade(self, topic: str, text: str) -> dict[str, Any]:
        """Grade a file once, and say the score, the calls and the seconds of processor time of
        this process and of those below it."""
        from autograder.handin.submission import Source, Submission

        submission = Submission("handed_in.py", "0" * 64, (Source(topic, (text,)),))
        before, many = _below(os.getpid())
        here = time.process_time()
        report = self._grader.grade(topic, submission)
        here = time.process_time() - here
        worker, left = _below(os.getpid())
        for _ in range(SETTLE):  # until what has graded has ended, and is counted
            if left <= many:
                break
            time.sleep(0.01)
            worker, left = _below(os.getpid())
        return {
            "score": report["score"],
            "max_score": report["max_score"],
            "calls": sum(
                len(trial.calls)
                for place in self._catalogue[topic].exercises
                for trial in self._grader.trials(*place)
            ),
            "judge": here,
            "worker": worker - before,
        }

    def _exercises(self) -> list[tuple[Any, Any]]:
        return [place for name in TOPICS for place in self._catalogue[name].exercises]


def _below(pid: int) -> tuple[float, int]:
    """Seconds of processor time of all processes below one, with those that have ended there, and
    how many there are."""
    parents: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
        spent[int(entry.name)] = TICK * sum(map(int, fields[11:15]))
    found, many, ahead = 0.0, 0, parents.get(pid, [])
    while ahead:
        found, many = found + sum(spent[one] for one in ahead), many + len(ahead)
        ahead = [child for one in ahead for child in parents.get(one, [])]
    return found, many


def answer() -> None:
    """Answer each line of standard input, a method and its arguments, with one line."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    side = Answering()
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(side, method)(*arguments)), file=out, flush=True)


class Side:
    """A revision's process, as this one asks it."""

    def __init__(self, tree: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--answer"],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        print(json.dumps([method, *arguments]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"The process has ended with {self._process.wait()}.")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Figures:
    """Of one topic, one file and one way to grade it: what each round gave."""

    calls: int = 0
    score: str = ""
    judge: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)

    def add(self, times: list[dict[str, Any]]) -> None:
        self.calls = times[0]["calls"]
        self.score = f"{times[0]['score']:g}/{times[0]['max_score']:g}"
        self.judge.append(sum(one["judge"] for one in times) / len(times))
        self.worker.append(sum(one["worker"] for one in times) / len(times))

    @property
    def both(self) -> float:
        pairs = zip(self.judge, self.worker, strict=True)
        return 1e3 * statistics.median(ours + theirs for ours, theirs in pairs)


WAYS = ("before", "its cases", "all cases")


def measure(older: Path, rounds: int, times: int, topics: Iterable[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    sides = {way: Side(older if way == "before" else ROOT) for way in WAYS}
    files = sides["before"].ask("files")
    sides["its cases"].ask("only", sides["before"].ask("cases"))
    console = Console(width=110)
    totals: dict[tuple[str, str], list[float]] = {}
    for kind in ("right", "wrong"):
        table = Table(
            title=f"One {kind} submission, calls: ms of processor time = judge + worker",
            title_justify="left",
            box=None,
        )
        for heading in ("topic", *WAYS, "machinery", "whole"):
            table.add_column(heading, justify="left" if heading == "topic" else "right")
        for topic in topics:
            text = files[topic][kind]
            figures = {way: Figures() for way in WAYS}
            for number in range(rounds + 1):
                order = WAYS if number % 2 else WAYS[::-1]
                for way in order:
                    given = [sides[way].ask("grade", topic, text) for _ in range(times)]
                    if number:  # the first one warms up
                        figures[way].add(given)
            row = [topic]
            for way in WAYS:
                one = figures[way]
                judge = 1e3 * statistics.median(one.judge)
                worker = 1e3 * statistics.median(one.worker)
                row.append(f"{one.calls}: {one.both:.0f} = {judge:.0f} + {worker:.0f}")
                totals.setdefault((kind, way), []).append(one.both)
            first, same, whole = (figures[way].both for way in WAYS)
            table.add_row(*row, f"{same / first:.2f}", f"{whole / first:.2f}")
        console.print(table)
        before, same, whole = (sum(totals[kind, way]) for way in WAYS)
        console.print(
            f"All together: {before:.0f} ms before, {same:.0f} ms for its cases "
            f"({same / before:.2f}), {whole:.0f} ms for all ({whole / before:.2f}).\n"
        )
    console.print(f"Load: {' '.join(f'{one:.1f}' for one in os.getloadavg())}")
    for side in sides.values():
        side.close()


@contextmanager
def older(revision: str) -> Iterator[Path]:
    """The files of a revision, as git names it, in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        tree = subprocess.run(
            ["/usr/bin/env", "git", "archive", "--format=zip", revision],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        with zipfile.ZipFile(BytesIO(tree)) as archive:
            archive.extractall(folder)
        yield Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", nargs="?", help="the older one, as git names it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=3, help="gradings per round and file")
    parser.add_argument("--topics", nargs="+", default=TOPICS, choices=TOPICS)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        answer()
        return
    if not given.revision:
        parser.error("which older revision?")
    with older(given.revision) as tree:
        measure(tree, given.rounds, given.times, given.topics)


if __name__ == "__main__":
    main()
