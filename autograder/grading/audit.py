"""Prove that the grading is right: every misconception loses marks, no correct solution does.

Each misconception's solution, and each correct alternative of the corpus, goes through the real
sandbox as a student's file would. The margin says how far both are from the line, in decades: how
much the worst correct error could grow before it failed, and how much the least visible bug could
shrink before it passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from autograder.errors import AuthoringError
from autograder.exercise import Exercise
from autograder.grading.grader import Grader
from autograder.grading.spread import Lost, Setting, Warm, spread
from autograder.handin.submission import Source
from autograder.sandbox import SandboxFault
from autograder.topics.catalogue import EVERYTHING, Catalogue, Topic
from autograder.truth.oracle import PUBLIC_SECRET, Oracle
from autograder.truth.verify import faults, verify

Progress = Callable[[str, int, int], None]

WEAK = 1.0  # decades of margin below which an exercise is reported as weak
LITTLE = 0.25  # share of its function's, or its output's, points below which a bug costs too little


@dataclass(frozen=True)
class Miss:
    """Something that the audit holds against the grading."""

    who: str
    what: str


@dataclass(frozen=True)
class Visibility:
    """How far over the line a misconception is in each case, in decades: 0 where it passes,
    infinity where it fails in kind (a wrong shape) rather than in degree."""

    misconception: str
    decades: tuple[float, ...]
    share: float = 1.0  # that it costs of the points of its function, or of one of its outputs


@dataclass(frozen=True)
class ExerciseAudit:
    """What was found for one exercise."""

    topic: str
    exercise: str
    misconceptions: int
    caught: int
    identified: int
    correct: int
    passed: int
    correct_margin: float | None  # decades; None when nothing was measured
    bug_margin: float | None
    misses: list[Miss] = field(default_factory=list)
    confused: list[Miss] = field(default_factory=list)
    weaknesses: list[Miss] = field(default_factory=list)  # what leaves less than WEAK of margin
    cases: tuple[tuple[str, str], ...] = ()  # (check, case): the columns of `visibility`
    visibility: list[Visibility] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The audit as JSON; infinity as a string, because JSON has none."""
        document = asdict(self)
        for row in document["visibility"]:
            row["decades"] = [d if math.isfinite(d) else "inf" for d in row["decades"]]
        return document


def audit(
    assignment: str,
    secret: bytes,
    *,
    exercise: str | None = None,
    reference: Path | None = None,
    corpus: Path | None = None,
    device: str = "cpu",
    jobs: int = 1,
    progress: Progress | None = None,
) -> Iterator[ExerciseAudit]:
    """Audit an assignment's exercises, or one, `jobs` of them at a time, each in its own process.

    Args:
        reference: the folder of topics; None for the one that comes along.
        corpus: a folder with correct alternatives, `correct/<topic>/<exercise>--<how>.py`.
        progress: called with each exercise's name, how many are done, and how many there are.

    Raises:
        KeyError: there is no such assignment, or no such exercise in it.
        AuthoringError: the corpus holds a file for an exercise that the topic does not have, or
            one that is not text.
        SandboxUnavailable: this machine cannot confine code.
        SandboxFault: the sandbox failed, or a process of the audit was ended from outside.
    """
    exercises = Catalogue.load(reference)[assignment].exercises
    places = [(topic.name, one.name) for topic, one in exercises if exercise in {None, one.name}]
    if not places:
        names = ", ".join(one.name for _, one in exercises)
        raise KeyError(f"{assignment} has no exercise {exercise!r}; there are: {names}")
    total = len(places)
    task = partial(_audit_place, corpus=corpus)
    waiting: dict[tuple[str, str], ExerciseAudit] = {}
    setting = Setting(secret, reference, device)
    results = spread(task, tuple(places), setting, min(jobs, total))
    for done, result in enumerate(results):
        if isinstance(result, Lost):
            raise SandboxFault(
                "a process of the audit was ended, perhaps for want of memory: try fewer --jobs."
            )
        if progress is not None:
            progress(result.exercise, done + 1, total)
        waiting[result.topic, result.exercise] = result
        while places and places[0] in waiting:
            yield waiting.pop(places.pop(0))


def try_out(reference: Path | None) -> None:
    """Answer every case of a reference folder once, and show its gradients right, but for
    exercises that take long to work out. It needs no sandbox.

    Raises:
        AuthoringError: a topic is not well formed, has a case that cannot be graded, or a gradient
            that is wrong.
    """
    oracle = Oracle(PUBLIC_SECRET)
    for topic, exercise in Catalogue.load(reference)[EVERYTHING].exercises:
        if not any(check.long for check in exercise.checks):
            verify(topic, exercise, oracle.trials(topic, exercise))


def _audit_place(warm: Warm, place: tuple[str, str], *, corpus: Path | None) -> ExerciseAudit:
    name, exercise_name = place
    (topic,) = warm.catalogue[name].topics
    exercise = next(e for e in topic.exercises if e.name == exercise_name)
    correct = _correct(topic, exercise, corpus)
    return _audit_exercise(topic, exercise, warm.grader, correct)


def _correct(topic: Topic, exercise: Exercise, corpus: Path | None) -> list[tuple[str, str]]:
    """The reference itself and the corpus' alternatives: (name, source)."""
    found = [("the reference", topic.solution())]
    folder = corpus / "correct" / topic.name if corpus is not None else None
    if folder is None or not folder.is_dir():
        return found
    names = {exercise.name for exercise in topic.exercises}
    for path in sorted(folder.glob("*.py")):
        name, _, _ = path.stem.partition("--")
        if name not in names:
            raise AuthoringError(f"{path} belongs to no exercise of {topic.name}")
        if name == exercise.name:
            try:
                found.append((path.stem, path.read_text("utf-8")))
            except UnicodeDecodeError:
                raise AuthoringError(f"{path} is not text in UTF-8") from None
    return found


def _audit_exercise(
    topic: Topic,
    exercise: Exercise,
    grader: Grader,
    correct: list[tuple[str, str]],
) -> ExerciseAudit:
    def run(source: str) -> dict[str, Any]:
        files = {other.name: other.solution() for other in topic.beside} | {topic.name: source}
        return grader.grade_exercise(
            topic, exercise, [Source(name, (text,)) for name, text in files.items()]
        )

    wrong = faults(topic, exercise, grader.trials(topic, exercise))
    misses, confused = [Miss("the reference", what) for what in wrong], []
    to_failing: list[tuple[float, str]] = []  # decades, and whose
    passed = 0
    for name, source in correct:
        result = run(source)
        if result["score"] == result["max_score"]:
            passed += 1
            to_failing.append((-max(_excesses(result), default=-math.inf), name))
        else:
            misses.append(Miss(name, "a correct solution loses marks: " + _first_message(result)))
        columns = tuple(_by_case(result))
    caught = identified = 0
    to_passing: list[tuple[float, str]] = []
    visibility = []
    for misconception in exercise.misconceptions:
        result = run(topic.solution(misconception))
        share = _share_lost(result, exercise, misconception.function.__name__)
        visibility.append(Visibility(misconception.name, tuple(_by_case(result).values()), share))
        if result["score"] == result["max_score"]:
            misses.append(Miss(misconception.name, "no check sees it"))
            continue
        caught += 1
        to_passing.append((max(_excesses(result), default=math.inf), misconception.name))
        names = [diagnosis["name"] for diagnosis in result["diagnosis"]]
        if names == [misconception.name]:
            identified += 1
        else:
            confused.append(Miss(misconception.name, f"taken for {', '.join(names) or 'nothing'}"))
    return ExerciseAudit(
        topic.name,
        exercise.name,
        len(exercise.misconceptions),
        caught,
        identified,
        len(correct),
        passed,
        _decades(min(to_failing, default=(math.inf, ""))[0]),
        _decades(min(to_passing, default=(math.inf, ""))[0]),
        misses,
        confused,
        [
            Miss(who, f"{decades:.1f} decades from {line}, under {WEAK:g}")
            for near, line in ((to_failing, "failing"), (to_passing, "being missed"))
            for decades, who in sorted(near)
            if decades < WEAK
        ]
        + [
            Miss(row.misconception, f"only {row.share:.0%} of its function's points lost")
            for row in visibility
            if 0 < row.share < LITTLE
        ],
        columns,
        visibility,
    )


def _share_lost(result: dict[str, Any], exercise: Exercise, function: str) -> float:
    """How much is lost of the points of a function or, where that is more, of those of one of its
    outputs, such as a gradient; where it is a helper, of whatever function loses most."""
    subjects = {check.name: check.subject for check in exercise.checks}
    most: dict[tuple[str, str], float] = {}
    lost: dict[tuple[str, str], float] = {}
    for check in result["checks"]:
        name, _, output = check["name"].rpartition(": ")
        if not name:  # refused input, and arguments left alone: outputs by themselves
            name, output = check["name"], check["kind"]
        subject = subjects.get(name, "")
        for place in ((subject, ""), (subject, output)):
            most[place] = most.get(place, 0.0) + check["max_score"]
            lost[place] = lost.get(place, 0.0) + check["max_score"] - check["score"]
    shares = {place: lost[place] / most[place] for place in most if most[place]}
    own = [share for (subject, _), share in shares.items() if subject == function]
    return max(own, default=0.0) or max(shares.values(), default=0.0)


def _by_case(result: dict[str, Any]) -> dict[tuple[str, str], float]:
    """For each case of each check, how visible a bug is: the most over its outputs."""
    seen: dict[tuple[str, str], float] = {}
    for check in result["checks"]:
        name = check["name"].partition(": ")[0]
        if check["kind"] == "mutation":  # it judges the other checks' cases once more
            continue
        for case in check["cases"]:
            place = name, case["name"]
            decades = 0.0 if case["passed"] else max(_excess(case), 0.0)
            seen[place] = max(seen.get(place, 0.0), decades)
    return seen


def _excesses(result: dict[str, Any]) -> Iterator[float]:
    """For each finding that says so: log10 of the error over what is allowed. How near a law's
    test comes to its line is chance, and kept in check by the stated false-alarm rate."""
    for check in result["checks"]:
        for case in check["cases"]:
            if "excess" in case["evidence"] or not case["passed"]:
                yield _excess(case)


def _excess(case: dict[str, Any]) -> float:
    if "excess" not in case["evidence"]:
        return math.inf
    excess = float(case["evidence"]["excess"])
    return math.log10(excess) if excess > 0 else -math.inf


def _decades(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


def _first_message(result: dict[str, Any]) -> str:
    return next(
        f"{check['name']}: {check['message']}" for check in result["checks"] if not check["passed"]
    )
