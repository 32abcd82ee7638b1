"""Whose error it is when a function is wrong that calls another of the submission's own.

A function is right for what another gives when the reference's, with that other one of the
submission beneath it, answers as the submission does: in a process that has met nothing of what is
asked here, so that what lies beneath cannot be made to fit. Where it leaves nothing to tell a right
function from a wrong one, because it gives zeros say, nothing is said to be right.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

from autograder.checks.base import Check
from autograder.exercise import Exercise, Misconception
from autograder.grading.budget import Budget, is_unjudged
from autograder.judging.call import Session
from autograder.judging.finding import Finding
from autograder.numerics.outcome import Outcome
from autograder.policy import Code
from autograder.topics.catalogue import Topic
from autograder.truth.beneath import Beneath, Functions
from autograder.truth.edits import reached, with_source
from autograder.truth.matching import UNCHANGED
from autograder.truth.oracle import Oracle
from autograder.truth.suspects import CHEAP
from autograder.truth.trial import Trial

Line: TypeAlias = tuple[str, str]  # (check, output)
LEFT_UNCHANGED: Line = ("", UNCHANGED)
MOST_SETS = 8  # of functions beneath that are tried for one above


@dataclass(frozen=True)
class Graded:
    """An exercise whose answers are judged, case by case."""

    topic: Topic
    exercise: Exercise
    trials: Sequence[Trial]
    outcomes: Sequence[Outcome]

    @property
    def size(self) -> int:
        """Bytes of the answers."""
        return sum(outcome.size for outcome in self.outcomes)

    def without(self, lines: Collection[Line]) -> Sequence[Outcome]:
        """The outcomes without what is known of these lines."""
        return [
            replace(
                outcome,
                findings={
                    output: finding
                    for output, finding in outcome.findings.items()
                    if (trial.check.name, output) not in lines
                },
                unchanged=Finding(UNCHANGED) if LEFT_UNCHANGED in lines else outcome.unchanged,
            )
            for trial, outcome in zip(self.trials, self.outcomes, strict=True)
        ]

    def failing(self) -> set[str]:
        """The functions of which something is wrong."""
        wrong = {
            trial.check.subject: trial.check
            for trial, outcome in zip(self.trials, self.outcomes, strict=True)
            if trial.is_off(outcome)
        }
        return set().union(*(self.functions(check) for check in wrong.values()))

    def functions(self, check: Check) -> list[str]:
        """Those of the exercise that a check is about."""
        written = self.topic.sources()
        own = [f.__name__ for f in self.exercise.functions if f.__name__ in written]
        return [name for name in own if name in check.needs]


@dataclass(frozen=True)
class FollowOn:
    """A line is wrong as the submission's own functions beneath have it; `right` is whether all
    else about it is right, as far as what they give can show."""

    beneath: tuple[str, ...]
    right: bool


@dataclass
class Told:
    """Of one exercise: the lines that follow from errors beneath, and of others that fail the
    misconception that explains them above what lies beneath."""

    follow_ons: dict[Line, FollowOn] = field(default_factory=dict)
    misconceptions: dict[Line, Misconception] = field(default_factory=dict)

    @property
    def lines(self) -> set[Line]:
        return {*self.follow_ons, *self.misconceptions}


def may_follow(one: Graded, code: Code) -> bool:
    """Whether something of it is wrong that calls functions which are graded themselves."""
    asked_for = {f.__name__ for other in one.topic.exercises for f in other.functions}
    return any(asked_for.intersection(outer.called) for outer in _wrong(one, code))


def follow_ons(
    graded: Sequence[Graded],
    code: Code,
    oracle: Oracle,
    session: Callable[[], AbstractContextManager[Session]],
    budget: Budget,
) -> list[Told]:
    """Per exercise, what follows from another function's error.

    Args:
        code: the submission's source.
        session: opens a new one of the submission.
    """
    told = [Told() for _ in graded]
    failing = [one.failing() for one in graded]
    if not any(failing):
        return told
    outers = [(at, outer) for at, one in enumerate(graded) for outer in _outers(one, failing, code)]
    if not outers:
        return told
    changing: list[dict[str, FollowOn]] = [{} for _ in graded]  # by function
    with session() as opened:
        for topic, some in itertools.groupby(outers, lambda pair: pair[1].graded.topic):
            beneath = Beneath(topic.functions(), opened)
            for at, outer in some:
                above = _Above(outer, beneath, oracle, budget)
                found = above.follow_ons()
                left = [line for line in outer.failing if line not in found]
                told[at].misconceptions |= above.misconceptions(left)
                if LEFT_UNCHANGED in found:
                    changing[at][outer.subject] = found.pop(LEFT_UNCHANGED)
                # Of two ways to write a function, the one by which it is right.
                told[at].follow_ons |= {
                    line: follow_on
                    for line, follow_on in found.items()
                    if line not in told[at].follow_ons or follow_on.right
                }
    for one, entry, functions in zip(graded, told, changing, strict=True):
        if functions and functions.keys() == _changing(one):
            names = dict.fromkeys(n for follow_on in functions.values() for n in follow_on.beneath)
            right = all(follow_on.right for follow_on in functions.values())
            entry.follow_ons[LEFT_UNCHANGED] = FollowOn(tuple(names), right)
    return told


@dataclass(frozen=True)
class _Outer:
    """What is wrong with a function of a submission, or with what a script does with several, and
    which functions beneath are wrong as well.

    `way` is the reference's function that stands for it: another one where there is another way.
    """

    graded: Graded
    subject: str
    own: tuple[str, ...]
    way: str
    read: frozenset[str]  # all that it names
    beneath: tuple[tuple[str, ...], ...] = ()  # by exercise

    @cached_property
    def at(self) -> list[int]:
        """Its cases."""
        checks = enumerate(trial.check for trial in self.graded.trials)
        return [at for at, check in checks if check.subject == self.subject]

    @cached_property
    def lines(self) -> dict[Line, list[int]]:
        """Its lines, and the cases of each, those that fail first."""
        passing: dict[Line, list[int]] = {}
        failing: dict[Line, list[int]] = {}
        for at in self.at:
            check, outcome = self.graded.trials[at].check, self.graded.outcomes[at]
            findings = {(check.name, output): f for output, f in outcome.findings.items()}
            if not check.gated:
                findings[LEFT_UNCHANGED] = outcome.unchanged
            for line, finding in findings.items():
                (passing if finding.passed else failing).setdefault(line, []).append(at)
        return {
            line: failing.get(line, []) + passing.get(line, []) for line in {**failing, **passing}
        }

    @cached_property
    def failing(self) -> list[Line]:
        outcomes = self.graded.outcomes
        first = {line: _finding(outcomes[at[0]], line) for line, at in self.lines.items()}
        return [line for line, finding in first.items() if finding and not finding.passed]

    @property
    def reached(self) -> list[str]:
        """The functions of the reference that it comes to."""
        return reached(self.graded.topic, [self.way] if self.way else self.own)

    @property
    def called(self) -> list[str]:
        """Those of them that it calls as well."""
        return [name for name in self.reached if name in self.read]


def _outers(one: Graded, failing: Sequence[set[str]], code: Code) -> Iterator[_Outer]:
    """What fails of an exercise, and calls functions that fail."""
    for outer in _wrong(one, code):
        beneath = [tuple(n for n in outer.called if n in some) for some in failing]
        if any(beneath):
            yield replace(outer, beneath=tuple(filter(None, beneath)))


def _wrong(one: Graded, code: Code) -> Iterator[_Outer]:
    """What fails of an exercise, in each way to write it."""
    checks: dict[str, list[Check]] = {}
    off: set[str] = set()
    for trial, outcome in zip(one.trials, one.outcomes, strict=True):
        checks.setdefault(trial.check.subject, []).append(trial.check)
        if trial.is_off(outcome):
            off.add(trial.check.subject)
    for subject, some in checks.items():
        if subject not in off:
            continue
        own = tuple(one.functions(some[0]))
        if not own or not {check.kind for check in some} <= CHEAP:
            continue
        read = frozenset().union(*(code.reads(name) for name in own)) - set(own)
        ways = ["", *(w.__name__ for f, w in one.exercise.ways if (f.__name__,) == own)]
        outers = (_Outer(one, subject, own, way, read) for way in ways)
        yield from (outer for outer in outers if outer.failing)


class _Above:
    """What the reference's function, right or wrong, gives above the submission's."""

    def __init__(self, outer: _Outer, beneath: Beneath, oracle: Oracle, budget: Budget) -> None:
        self.outer = outer
        self.trials, self.outcomes = outer.graded.trials, outer.graded.outcomes
        self._solution = outer.graded.topic.functions()
        self._beneath = beneath
        self._oracle = oracle
        self._budget = budget

    def follow_ons(self) -> dict[Line, FollowOn]:
        found: dict[Line, FollowOn] = {}
        for names in _sets(self.outer.beneath):
            right = _Given(self, with_source(self._solution, {}), names)
            fitting = [line for line in self.outer.lines if right.fits(line)]
            settled = {line for line, follow_on in found.items() if follow_on.right}
            new = [line for line in self.outer.failing if line in fitting and line not in settled]
            tells = bool(new) and self._tells(right, fitting)
            for line in new:
                stopped = any(_stopped(right[at], line) for at in self.outer.lines[line])
                follow_on = FollowOn(names, tells and not stopped)
                if follow_on.right or line not in found:
                    found[line] = follow_on
        return found

    def misconceptions(self, lines: Collection[Line]) -> dict[Line, Misconception]:
        """What explains these lines, if it is recorded."""
        found: dict[Line, Misconception] = {}
        for names in _sets(self.outer.beneath) if lines else ():
            for misconception, functions in self._recorded():
                given = _Given(self, functions, names)
                fitting = [line for line in lines if line not in found and given.fits(line)]
                found |= dict.fromkeys(fitting, misconception)
        return found

    def one(self, functions: Functions, names: Collection[str], at: int) -> Outcome | None:
        """What these functions give for a case, with the submission's of those names."""
        if self._budget.used_up:
            return None
        began, waited = time.monotonic(), self._beneath.seconds
        if self.outer.way:
            functions[self.outer.subject] = functions[self.outer.way]
        answers = self._beneath.run(functions, names, self.trials[at])
        self._budget.charge(time.monotonic() - began - (self._beneath.seconds - waited))
        outcome = None if answers is None else self._budget.judge(self.trials[at], answers)
        return None if outcome is None or is_unjudged(outcome) else outcome

    def same(self, line: Line, at: int, a: Outcome | None, b: Outcome | None) -> bool:
        if a is None or b is None or self._budget.used_up:
            return False
        with self._budget.spending():
            return self._same(line, at, a, b)

    def _same(self, line: Line, at: int, a: Outcome, b: Outcome) -> bool:
        trial, output = self.trials[at], line[1]
        if line == LEFT_UNCHANGED:
            return _change(a.unchanged) == _change(b.unchanged)
        if output not in a.findings or output not in b.findings:
            return False
        if a.findings[output].passed and b.findings[output].passed:
            return True
        return trial.check.same(trial.expectation, a, b).get(output, False)

    def _tells(self, right: _Given, lines: Collection[Line]) -> bool:
        """Whether most of what may be wrong in the function itself would be seen in these lines,
        above what the submission has beneath."""
        mistaken = list(self._mistaken())
        told = 0
        for left, functions in zip(range(len(mistaken), 0, -1), mistaken, strict=True):
            if 2 * told >= len(mistaken) or 2 * (told + left) < len(mistaken):
                break  # whatever the others show
            told += _Given(self, functions, right.names).differ(right, lines)
        return told > 0 and 2 * told >= len(mistaken) and not self._budget.used_up

    def _mistaken(self) -> Iterator[Functions]:
        """Wrong ways to write the function, each of which is seen above what is right."""
        outer = self.outer
        if not outer.way:
            yield from (functions for _, functions in self._recorded())
            return
        graded = outer.graded
        for mutant in self._oracle.seen(graded.topic, graded.exercise, outer.way, outer.subject):
            yield mutant.functions(self._solution)

    def _recorded(self) -> Iterator[tuple[Misconception, Functions]]:
        """The misconceptions about the function itself and its helpers."""
        graded, topic = self.outer.graded, self.outer.graded.topic
        others = {f.__name__ for e in topic.exercises for f in e.functions} - {*self.outer.own}
        own = set(self.outer.reached) - others
        written = topic.sources()
        for suspect in self._oracle.suspects(topic, graded.exercise):
            bug = suspect.misconception
            name = bug.function.__name__
            if name in own and any(
                self.trials[at].is_off(suspect.outcomes[at]) for at in self.outer.at
            ):
                edited = written[name].replace(bug.old, bug.new)
                yield bug, with_source(self._solution, {name: edited})


class _Given:
    """The answers of one way to write a function, worked out as they are asked for."""

    def __init__(self, above: _Above, functions: Functions, names: tuple[str, ...]) -> None:
        self.names = names
        self._above = above
        self._functions = functions
        self._known: dict[int, Outcome | None] = {}

    def __getitem__(self, at: int) -> Outcome | None:
        if at not in self._known:
            self._known[at] = self._above.one(self._functions, self.names, at)
        return self._known[at]

    def fits(self, line: Line) -> bool:
        """Whether the submission gives the same."""
        above = self._above
        cases = above.outer.lines[line]
        return all(above.same(line, at, above.outcomes[at], self[at]) for at in cases)

    def differ(self, other: _Given, lines: Collection[Line]) -> bool:
        """Whether another way is known to give something else in one of these lines."""
        above = self._above
        places = ((line, at) for line in lines for at in above.outer.lines[line])
        return any(
            self[at] is not None and not above.same(line, at, self[at], other[at])
            for line, at in places
        )


def _sets(beneath: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The sets of functions that may be at fault, the small ones first: a function alone, then with
    the others of its exercise, which may take what it gives, and with those of other exercises."""
    alone = [(name,) for names in beneath for name in names]
    sizes = range(1, len(beneath) + 1)
    together = itertools.chain(*(itertools.combinations(beneath, size) for size in sizes))
    sets = [*alone, *(tuple(itertools.chain(*some)) for some in together)]
    return list(dict.fromkeys(sets))[:MOST_SETS]


def _changing(one: Graded) -> set[str]:
    """The functions that change what they are given."""
    return {
        trial.check.subject
        for trial, outcome in zip(one.trials, one.outcomes, strict=True)
        if not outcome.unchanged.passed and not trial.check.gated
    }


def _finding(outcome: Outcome, line: Line) -> Finding | None:
    return outcome.unchanged if line == LEFT_UNCHANGED else outcome.findings.get(line[1])


def _stopped(outcome: Outcome | None, line: Line) -> bool:
    """Whether nothing came of it, as what lies beneath raised something."""
    finding = _finding(outcome, line) if outcome is not None else None
    return finding is None or finding.problem == "failure"


def _change(finding: Finding) -> tuple[str, Any]:
    return finding.problem, finding.evidence.get("argument")
