"""Wrong solutions that may explain a submission, answered only as far as they are asked.

A suspect's answer to a case is worked out when a submission first fails there, and kept: the next
submission that fails costs comparisons only.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from torch import Tensor

from autograder.checks.base import FunctionCheck
from autograder.exercise import Exercise, Misconception
from autograder.judging.call import Answer, Call, ordered
from autograder.judging.local import LocalSession
from autograder.judging.tree import leaves
from autograder.numerics.outcome import Outcome
from autograder.topics.catalogue import Topic
from autograder.truth.edits import Mutant, mutants, reached, with_source
from autograder.truth.habits import guards, habits
from autograder.truth.questions import Question, questions
from autograder.truth.stale import stale
from autograder.truth.trial import Trial

KEPT = 20_000  # answers of suspects in one process,
KEPT_BYTES = 128 * 2**20  # and what they hold together
PAIRS = 400
REPEATED = "repeated"  # how a misconception is called that is recorded of a function beside
INSTEAD = "-instead"  # how the topic's other functions are called as suspects
SMALL = re.compile(r"\b\d+(?:\.\d+)?e-\d+\b")  # 1e-8, as it stands beside what it guards
CONSTANTS = [*(f"1e-{n}" for n in range(4, 17)), "1.0"]
CHEAP = {"values", "gradients", "precision", "statistics", "errors"}  # one case is a call or a few


class Answers:
    """The answers that were last asked for."""

    def __init__(self, most: int = KEPT, most_bytes: int = KEPT_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._kept: OrderedDict[tuple[int, int], Outcome | None] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[int, int], make: Callable[[], Outcome | None]) -> Outcome | None:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = self._kept[key] = make()
        self._bytes += _size(value)
        while len(self._kept) > self._most or (self._bytes > self._most_bytes and self._kept):
            _, gone = self._kept.popitem(last=False)
            self._bytes -= _size(gone)
        return value


def _size(outcome: Outcome | None) -> int:
    return 0 if outcome is None else outcome.size


def _least(answer: Answer, updates: Collection[str]) -> Answer:
    """What is compared of an answer, and how many bytes that is."""
    arguments = {name: value for name, value in answer.arguments.items() if name in updates}
    values = (answer.value, *arguments.values())
    parts = (leaf for value in values for _, leaf in leaves(value))
    size = sum(leaf.nbytes for leaf in parts if isinstance(leaf, Tensor | np.ndarray))
    return replace(answer, arguments=arguments, size=size)


@dataclass(frozen=True, eq=False)
class Lazy:
    """A suspect whose answers are worked out one by one."""

    kind: str
    what: str
    functions: Callable[[], Mapping[str, Any]]
    trials: Sequence[Trial]
    kept: Answers
    ask: Callable[[Call], Call | None] = lambda call: call
    misconceptions: tuple[Misconception, ...] = ()
    edit: bool = False
    rank: int = 0

    def outcome(self, at: int) -> Outcome | None:
        """What it gives for a trial; None where the trial says nothing about it."""
        return self.kept.get((id(self), at), lambda: self._outcome(at))

    def _outcome(self, at: int) -> Outcome | None:
        trial = self.trials[at]
        calls = [self.ask(call) for call in trial.calls]
        if any(call is None for call in calls):
            return None
        session = LocalSession(self.functions())
        with np.errstate(all="ignore"):  # it is wrong on purpose
            answers = list(session.run([call for call in calls if call is not None]))
        outcome = trial.judge(answers)
        kept = tuple(_least(answer, trial.check.updates) for answer in outcome.answers)
        findings = {name: replace(f, excess=None) for name, f in outcome.findings.items()}
        return replace(outcome, answers=kept, findings=findings, faults=())


@dataclass(frozen=True, eq=False)
class Suspects:
    """All suspects of one exercise, by where they come from."""

    topic: Topic
    exercise: Exercise
    trials: Sequence[Trial]
    kept: Answers

    @cached_property
    def subjects(self) -> Mapping[str, Sequence[str]]:
        """What there are suspects for, and the functions that are asked there: each function whose
        calls stand alone, and each script that calls functions."""
        asked: dict[str, set[str]] = {}
        scripts = set()
        for trial in self.trials:
            asked.setdefault(trial.check.subject, set()).add(trial.check.kind)
            if isinstance(trial.check, FunctionCheck) and trial.check.scripted:
                scripts.add(trial.check.subject)
        written = self.topic.sources()  # of functions, not of classes
        own = [f.__name__ for f in self.exercise.functions if f.__name__ in written]
        cheap = [name for name in asked if asked[name] <= CHEAP]
        alone = {name: [name] for name in own if name in cheap and name not in scripts}
        return alone | {name: own for name in cheap if name in scripts and own}

    @cached_property
    def _alone(self) -> Sequence[Callable[..., Any]]:
        """The functions whose calls stand alone."""
        return [f for f in self.exercise.functions if f.__name__ in self.subjects]

    @cached_property
    def _solution(self) -> Mapping[str, Any]:
        return self.topic.functions()

    @cached_property
    def constants(self) -> Mapping[str, Sequence[Lazy]]:
        """By subject: misconceptions with a small number in them, with other small numbers."""
        return {
            subject: [
                self._lazy("constant", "", make, misconceptions=(misconception,))
                for misconception, home, _ in self._at_home(subject)
                for make in self._with_other_constants(misconception, home)
            ]
            for subject in self.subjects
        }

    @cached_property
    def borrowed(self) -> Mapping[str, Sequence[Lazy]]:
        """By subject: misconceptions of the topic's other exercises about what it calls, and those
        of a function beside one of these, about what stands in both."""
        return {
            subject: [
                self._lazy(kind, "", make, misconceptions=(misconception,))
                for misconception, home, kind in self._at_home(subject)
                if kind and (make := self._made(misconception, home)) is not None
            ]
            for subject in self.subjects
        }

    def _at_home(self, subject: str) -> Iterator[tuple[Misconception, str, str]]:
        """The misconceptions that have a place in what a subject calls, the exercise's first, with
        that place, and where they come from; nothing for the exercise's own."""
        names = reached(self.topic, self.subjects[subject])
        for of in sorted(self.topic.exercises, key=lambda one: one is not self.exercise):
            beside = [f.__name__ for f in of.functions if f.__name__ in names]
            for misconception in of.misconceptions:
                written = misconception.function.__name__
                if written in names:
                    yield misconception, written, "" if of is self.exercise else "borrowed"
                    continue
                for home in beside:
                    if self._made(misconception, home) is not None:
                        yield misconception, home, REPEATED

    def _made(
        self, misconception: Misconception, name: str
    ) -> Callable[[], Mapping[str, Any]] | None:
        """The solution with the misconception in a function; None where it has no place there."""
        source = self.topic.sources().get(name, "")
        said, quotes, code = source.rpartition('"""')  # a docstring may have the formula, too
        if misconception.function.__name__ == name:
            said, quotes, code = "", "", source
        if code.count(misconception.old) != 1:
            return None
        sources = {name: said + quotes + code.replace(misconception.old, misconception.new)}
        return partial(with_source, self._solution, sources)

    def _with_other_constants(
        self, misconception: Misconception, name: str
    ) -> Iterator[Callable[[], Mapping[str, Any]]]:
        source = self.topic.sources()[name]
        for number in dict.fromkeys(SMALL.findall(misconception.new)):
            if number in misconception.old:
                continue
            for other in CONSTANTS:
                new = misconception.new.replace(number, other)
                sources = {name: source.replace(misconception.old, new)}
                yield partial(with_source, self._solution, sources)

    @cached_property
    def questions(self) -> Mapping[str, Sequence[Lazy]]:
        """By subject: the reference, asked something else."""
        found: dict[str, list[Lazy]] = {subject: [] for subject in self.subjects}
        for function in self._alone:
            name = function.__name__
            calls = [c for t in self.trials if t.check.subject == name for c in t.calls]
            asked = [*questions(function, calls), *stale(name, self.trials)]
            found[name] = [self._asked(question) for question in asked]
        return found

    def _asked(self, question: Question) -> Lazy:
        return self._lazy(
            question.kind, question.what, partial(dict, self._solution), ask=question.ask
        )

    @cached_property
    def others(self) -> Mapping[str, Sequence[Lazy]]:
        """By subject: what the topic's other functions give, asked the same."""
        found: dict[str, list[Lazy]] = {subject: [] for subject in self.subjects}
        asked = {
            f.__name__: inspect.signature(f).parameters
            for exercise in self.topic.exercises
            for f in exercise.functions
            if f.__name__ in self.topic.sources()
        }
        for function in self._alone:
            subject = function.__name__
            ours = [trial.check for trial in self.trials if trial.check.subject == subject]
            changed = {name for check in ours for name in check.updates}
            found[subject] = [
                self._lazy(
                    other + INSTEAD,
                    f"`{other}` gives",
                    partial(dict, self._solution),
                    ask=partial(_as_call_of, other, parameters),
                )
                for other, parameters in asked.items()
                if other != subject and changed <= set(parameters)
            ]
        return found

    @cached_property
    def edits(self) -> Mapping[str, Sequence[Lazy]]:
        """By subject: it, or what it calls, edited by machine; the likely edits first."""
        found: dict[str, list[Lazy]] = {}
        made: dict[str, list[tuple[Mutant, Lazy]]] = {}
        for subject, functions in self.subjects.items():
            pairs = []
            for name in reached(self.topic, functions):
                if name not in made:
                    edits = mutants(self.topic, name) + mutants(self.topic, name, make=habits)
                    made[name] = [(mutant, self._edited(mutant)) for mutant in edits]
                pairs += made[name]
            for written, way in self.exercise.ways:
                if written.__name__ in functions:
                    ways = mutants(self.topic, way.__name__, written.__name__)
                    pairs += [(mutant, self._edited(mutant)) for mutant in ways]
            pairs.sort(key=lambda pair: pair[0].rank)
            found[subject] = [lazy for _, lazy in pairs]
        return found

    @cached_property
    def guards(self) -> Mapping[str, Sequence[Lazy]]:
        """By subject: it, or what it calls, with a small number in it."""
        return {
            subject: [
                self._edited(mutant)
                for name in reached(self.topic, functions)
                for mutant in mutants(self.topic, name, make=guards)
            ]
            for subject, functions in self.subjects.items()
        }

    def _edited(self, mutant: Mutant) -> Lazy:
        lazy = self._lazy(mutant.kind, mutant.what, partial(mutant.functions, self._solution))
        return replace(lazy, edit=True, rank=mutant.rank)

    @cached_property
    def pairs(self) -> Mapping[str, Sequence[Lazy]]:
        """By subject: two recorded misconceptions at once."""
        found: dict[str, list[Lazy]] = {}
        for subject, functions in self.subjects.items():
            names = reached(self.topic, functions)
            ours = [m for m in self.exercise.misconceptions if m.function.__name__ in names]
            lazies = []
            for a, b in itertools.combinations(ours, 2):
                sources = _both(self.topic.sources(), a, b)
                if sources is not None:
                    make = partial(with_source, self._solution, sources)
                    lazies.append(self._lazy("pair", "", make, misconceptions=(a, b)))
            found[subject] = lazies[:PAIRS]
        return found

    def _lazy(
        self,
        kind: str,
        what: str,
        functions: Callable[[], Mapping[str, Any]],
        *,
        ask: Callable[[Call], Call | None] = lambda call: call,
        misconceptions: tuple[Misconception, ...] = (),
    ) -> Lazy:
        return Lazy(kind, what, functions, self.trials, self.kept, ask, misconceptions)


def _as_call_of(
    function: str, parameters: Mapping[str, inspect.Parameter], call: Call
) -> Call | None:
    """The same question to another function, if it takes as much of it as it needs."""
    needed = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty]
    if not all(name in call.arguments for name in needed):
        return None
    given = {name: value for name, value in call.arguments.items() if name in parameters}
    return ordered(function, list(parameters), given)


def _both(
    sources: Mapping[str, str], a: Misconception, b: Misconception
) -> Mapping[str, str] | None:
    """The sources of what two misconceptions change; None when they change one thing."""
    changed: dict[str, str] = {}
    for misconception in (a, b):
        name = misconception.function.__name__
        text = changed.get(name, sources[name])
        if text.count(misconception.old) != 1:
            return None
        changed[name] = text.replace(misconception.old, misconception.new)
    return changed
