"""Run the public cases of an assignment on a student's functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .beneath import named
from .call import Session
from .codec import loads
from .compare import unchanged
from .differences import against_forward
from .finding import Finding
from .local import LocalSession
from .where import located
from .wording import explain, not_right_yet


@dataclass(frozen=True)
class Item:
    """One thing to test: an output of a check, over the public cases."""

    exercise: str
    check: str
    output: str
    points: float
    trials: tuple[Mapping[str, Any], ...]
    timed: tuple[str, ...] = ()  # the checks of its exercise that only the grader takes

    @property
    def row(self) -> str:
        """The name of its row in the report."""
        return f"{self.check}: {self.output}".removesuffix(": unchanged")

    @property
    def called(self) -> list[str]:
        """The functions that it is about."""
        calls = (call for trial in self.trials for call in trial.get("calls", ()))
        return list(dict.fromkeys(call.function for call in calls))

    def __str__(self) -> str:
        return f"{self.exercise}: {self.row}"


UNCHANGED = "arguments left unchanged"
_HIDDEN = "Grading uses the same checks with more cases, which stay hidden."


def unseen(found: Iterable[Item]) -> str:
    """What grading looks at beside these items, in a sentence or two."""
    return beside(name for item in found for name in item.timed)


def beside(timed: Iterable[str]) -> str:
    """The same, where these checks are of times."""
    names = list(dict.fromkeys(timed))
    return (
        f"{_HIDDEN} Times are taken by the grader only: {', '.join(names)}." if names else _HIDDEN
    )


def items(data: Path) -> list[Item]:
    """The items of a data file that `gradmark release` wrote."""
    return items_of(loads(data.read_text("utf-8")))


def items_of(exercises: list[Mapping[str, Any]]) -> list[Item]:
    """The items of exercises as they stand in such a file."""
    return list(_items(exercises))


def _items(exercises: list[Mapping[str, Any]]) -> Iterator[Item]:
    for exercise in exercises:
        timed = tuple(exercise.get("timed", ()))
        mutating: list[Mapping[str, Any]] = []
        for check in exercise["checks"]:
            trials = tuple(check["trials"])
            if not check["gated"]:
                mutating += trials
            for output, points in check["points"].items():
                yield Item(exercise["name"], check["name"], output, points, trials, timed)
        yield Item(exercise["name"], UNCHANGED, "unchanged", exercise["unchanged"], tuple(mutating))
        for difference in exercise["differences"]:
            for output in difference["arguments"]:
                check = f"{difference['name']} against your own forward"
                yield Item(exercise["name"], check, output, 0.0, (difference,))


def problem(
    item: Item,
    functions: Mapping[str, Any],
    failed: Sequence[str] = (),
    others: Sequence[Item] = (),
) -> str:
    """What is wrong with the item in these functions: one sentence, empty when it is right.

    Args:
        failed: what went wrong when they were loaded, which may be why one is missing.
        others: all items, by which the functions that it calls are looked at.
    """
    finding, case = _first(item, functions)
    if finding is None:
        return ""
    said = worded(finding, case, failed)
    if _is_absent(finding):
        return said
    beneath = _wrong_beneath(item, functions, others)
    return f"{said}; {not_right_yet(beneath)}" if beneath else said


def worded(finding: Finding, case: str, failed: Sequence[str] = ()) -> str:
    """What is wrong in a public case: one sentence.

    Args:
        failed: what went wrong when the functions were loaded, which may be why one is missing.
    """
    sentence = explain(located(finding))
    if _is_absent(finding):
        return sentence + (f" ({failed[0]})" if failed else "")
    if finding.problem == "unsettled":
        return sentence
    return f"{sentence} (case {case!r})"


def _is_absent(finding: Finding) -> bool:
    return finding.evidence.get("kind") in {"missing", "unwritten"}


def _first(item: Item, functions: Mapping[str, Any]) -> tuple[Finding | None, str]:
    """What is wrong first, and in which case."""
    session = LocalSession(functions)
    waiting: tuple[Finding | None, str] = None, ""
    for trial in item.trials:
        finding = _finding(item, trial, session)
        if finding.passed:
            continue
        if finding.problem != "unsettled":
            return finding, trial["case"]
        waiting = finding, trial["case"]
    return waiting


def of_arguments(finding: Finding) -> Finding:
    """Whether arguments are left alone, as it is told: a call that failed says nothing of it."""
    failed = finding.problem == "failure" and not _is_absent(finding)
    return Finding(finding.output, "unsettled") if failed else finding


def _wrong_beneath(
    item: Item, functions: Mapping[str, Any], others: Sequence[Item]
) -> Sequence[str]:
    """The functions of other exercises that it calls, and that are not right themselves."""
    own = {name for other in others if other.exercise == item.exercise for name in other.called}
    asked = dict.fromkeys(name for other in others for name in other.called if name not in own)
    reads = named([functions.get(name) for name in item.called], asked)
    return [
        name
        for name in asked
        if name in reads
        and any(o.called == [name] and _first(o, functions)[0] is not None for o in others)
    ]


def _finding(item: Item, trial: Mapping[str, Any], session: Session) -> Finding:
    if "forward" in trial:
        argument, returns = trial["arguments"][item.output], trial["returns"]
        forward, backward = trial["forward"], trial["backward"]
        return against_forward(item.output, argument, returns, forward, backward, session)
    answers = list(session.run(trial["calls"]))
    if item.output == "unchanged":
        return of_arguments(unchanged(trial["calls"], answers, trial["updates"]))
    findings: list[Finding] = trial["expectation"].judge(trial["calls"], answers)
    return next(finding for finding in findings if finding.output == item.output)
