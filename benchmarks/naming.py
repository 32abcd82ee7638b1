"""How often a bug gets a wrong name: `python -m benchmarks.naming`.

A submission holds two recorded misconceptions at once: a name that it is given must be one of the
two, or none, or that of a third one which is the two together: it answers alike everywhere. Or its
answers are right but for noise: then no name is right. What is told in other words (an
experiment's) is counted apart: it says what the answers are, whatever the bug.
"""

from __future__ import annotations

import functools
import itertools
import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import click
import torch
from rich.console import Console
from torch import Tensor

from autograder.exercise import Exercise
from autograder.judging.local import LocalSession
from autograder.judging.tree import mapped
from autograder.numerics.outcome import Outcome
from autograder.topics.catalogue import DEFAULT, Catalogue, Topic
from autograder.truth.diagnosis import explanations
from autograder.truth.matching import Agreement, compared, wrong
from autograder.truth.oracle import Oracle
from autograder.truth.trial import Suspect

Functions = Mapping[str, Any]

NOISES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "added": lambda t: t + 1e-3 * torch.randn(t.shape, dtype=t.dtype),
    "relative": lambda t: t * (1 + 1e-3 * torch.randn(t.shape, dtype=t.dtype)),
    "in some places": lambda t: torch.where(torch.rand(t.shape) < 0.2, t + 0.1, t),
}


@click.command()
@click.option("--pairs", default=8, show_default=True, help="Double bugs of each exercise.")
@click.option("--exercise", help="Only this one.")
def main(pairs: int, exercise: str | None) -> None:
    """Count names over both courses' catalogue, without a sandbox."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    console = Console(soft_wrap=True)
    doubled: Counter[str] = Counter()
    noisy: Counter[str] = Counter()
    for folder in (DEFAULT, DEFAULT / "_more"):
        for topic, one in Catalogue.load(folder)["all"].exercises:
            if exercise not in {None, one.name} or any(c.long or c.timed for c in one.checks):
                continue
            names = _Names(topic, one)
            for told, holds, functions in _double_bugs(topic, one, pairs):
                doubled[_count(console, names.given(functions), holds, f"{one.name}: {told}")] += 1
            for told, functions in _noisy(topic, one):
                noisy[_count(console, names.given(functions), set(), f"{one.name}: {told}")] += 1
    for what, counts in (("two bugs at once", doubled), ("right but for noise", noisy)):
        console.print(f"{what}: {counts.total() - counts['right']} that fail, of which")
        for kind in ("both named", "one named", "other words", "no name", "wrong name"):
            console.print(f"  {kind}: {counts[kind]}")


class _Names:
    """The names that a submission of one exercise is given."""

    def __init__(self, topic: Topic, exercise: Exercise) -> None:
        oracle = Oracle(b"names")
        self._trials = oracle.trials(topic, exercise)
        self._suspects = oracle.suspects(topic, exercise)
        self._others = oracle.others(topic, exercise)
        self.recorded = {m.name for m in exercise.misconceptions}

    def given(self, functions: Functions) -> tuple[set[str], bool] | None:
        """Recorded names, but for those of what answers alike everywhere, and whether anything was
        told; None where nothing is wrong."""
        session = LocalSession(functions)
        seen = [trial.judge(session.run(trial.calls)) for trial in self._trials]
        if not wrong(self._trials, seen):
            return None
        found = explanations(self._trials, self._suspects, self._others, seen)
        same = {s.misconception.name for s in self._suspects if self._is_same(s, seen)}
        return {one.name for one in found} & self.recorded - same, bool(found)

    def _is_same(self, suspect: Suspect, seen: Sequence[Outcome]) -> bool:
        places = wrong(self._trials, seen) | wrong(self._trials, suspect.outcomes)
        given = suspect.outcomes.__getitem__
        return all(
            compared(self._trials, seen, given, place).agreement is Agreement.WHOLE
            for place in places
        )


def _count(
    console: Console, given: tuple[set[str], bool] | None, holds: set[str], told: str
) -> str:
    if given is None:
        return "right"
    names, anything = given
    if names - holds:
        console.print(f"{told}: called {', '.join(sorted(names))}")
        return "wrong name"
    if not names:
        return "other words" if anything else "no name"
    return "both named" if names == holds else "one named"


def _double_bugs(
    topic: Topic, exercise: Exercise, most: int
) -> Iterator[tuple[str, set[str], Functions]]:
    """Pairs of misconceptions that can be in one source, the same ones each time."""
    pairs = list(itertools.combinations(exercise.misconceptions, 2))
    random.Random(exercise.name).shuffle(pairs)  # noqa: S311 - no secret
    beside = {name: f for other in topic.beside for name, f in other.functions().items()}
    found = 0
    for a, b in pairs:
        source = topic.solution(a, b)
        if found == most or source in {topic.solution(a), topic.solution(b)}:
            continue
        namespace: dict[str, Any] = {"__name__": topic.name}
        try:
            exec(compile(source, topic.name, "exec"), namespace)  # noqa: S102 - our own code
        except (SyntaxError, NameError):
            continue  # the edits overlap
        found += 1
        yield f"{a.name} and {b.name}", {a.name, b.name}, beside | namespace


def _noisy(topic: Topic, exercise: Exercise) -> Iterator[tuple[str, Functions]]:
    solution = topic.functions()
    asked = {f.__name__: f for f in exercise.functions if isinstance(f, FunctionType)}
    for told, noise in NOISES.items():
        changed = {name: _with_noise(function, noise) for name, function in asked.items()}
        if changed:
            yield f"noise, {told}", {**solution, **changed}


def _with_noise(function: FunctionType, noise: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def change(leaf: Any) -> Any:
        return noise(leaf) if isinstance(leaf, Tensor) and leaf.is_floating_point() else leaf

    @functools.wraps(function)
    def noisy(*args: Any, **named: Any) -> Any:
        return mapped(change, function(*args, **named))

    return noisy


if __name__ == "__main__":
    main()
