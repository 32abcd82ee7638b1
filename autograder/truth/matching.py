"""How far what a submission gave is what a wrong solution gives, place by place.

A place is an output of a function. Of each case there it is asked whether both are wrong alike.
Cases that decide nothing between two wrong solutions count little: where one of them failed, gave
another shape, or NaN and infinity, and where only rounding is judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from torch import Tensor

from autograder.judging.compare import ValueExpectation
from autograder.judging.finding import Finding
from autograder.numerics.expectation import Outputs
from autograder.numerics.outcome import Outcome
from autograder.truth.changes import CONVINCING
from autograder.truth.repeats import Unmoved
from autograder.truth.trial import Trial

Place: TypeAlias = tuple[str, str]  # (function, output): where a bug shows
OutcomeOf: TypeAlias = Callable[[int], Outcome | None]

ONE_FLOAT = 2  # what a case of one number says: nine digits of it are alike
SEVERAL = 2  # cases that are wrong alike are no chance, each of them with a few numbers
ROUNDING = -1  # in place of how many numbers are wrong alike
_WAITING = "unsettled"
_DEGENERATE = {"failure", "nonfinite", "shape", "count", "type", "dtype", "accepted", "refused"}


class Agreement(IntEnum):
    """How much of a place a suspect explains."""

    NONE = 0
    SOME = 1  # several cases, and it is wrong in no other
    FAILING = 2  # each case that fails, but it would fail in others, too
    CHECK = 3  # one check or several, but not all
    ALMOST = 4  # all cases but degenerate ones, which are the fewer
    WHOLE = 5

    @property
    def covers(self) -> bool:
        """Whether it explains all cases that fail, but for degenerate ones."""
        return self in {Agreement.FAILING, Agreement.ALMOST, Agreement.WHOLE}


class State(IntEnum):
    """What one case says about a suspect."""

    QUIET = 0  # both are right
    SAME = 1  # both are wrong, alike
    DEGENERATE = 2  # they differ, but that decides nothing
    OURS = 3  # only the submission is wrong
    THEIRS = 4  # only the suspect is wrong
    OTHER = 5  # both are wrong, each in its way


@dataclass(frozen=True)
class Compared:
    """What the cases of one place say about a suspect: (check, state, weight) each."""

    cases: tuple[tuple[str, State, int], ...]

    @property
    def agreement(self) -> Agreement:
        states = {state for _, state, _ in self.cases}
        if State.SAME not in states:
            return Agreement.NONE
        if states <= {State.QUIET, State.SAME}:
            return Agreement.WHOLE
        if self.weight < CONVINCING:
            return Agreement.NONE
        alike = self.count(State.SAME)
        telling = sum(w != ROUNDING for _, state, w in self.cases if state is State.SAME)
        beyond = states - {State.QUIET, State.SAME}
        if beyond == {State.DEGENERATE} and alike >= self.count(State.DEGENERATE):
            return Agreement.ALMOST
        if self.checks and self.count(State.OTHER) < alike:
            return Agreement.CHECK
        if not beyond - {State.THEIRS} and (
            telling >= SEVERAL or self.count(State.THEIRS) <= telling
        ):
            return Agreement.FAILING
        if telling >= SEVERAL and State.THEIRS not in states:
            return Agreement.SOME
        return Agreement.NONE

    @property
    def mostly(self) -> bool:
        """Whether it explains the most of what fails, and nothing speaks against it."""
        others = self.count(State.OURS) + self.count(State.DEGENERATE)
        mostly = self.count(State.SAME) > others and self.weight >= CONVINCING
        return mostly and not self.against

    @property
    def against(self) -> int:
        """How many cases speak against it."""
        return self.count(State.THEIRS) + self.count(State.OTHER)

    @property
    def often(self) -> bool:
        """Whether it explains half of what fails, or more."""
        fails = (State.SAME, State.OURS, State.OTHER, State.DEGENERATE)
        return 2 * self.count(State.SAME) >= sum(map(self.count, fails))

    def count(self, state: State) -> int:
        """How many cases say so."""
        return sum(found is state for _, found, _ in self.cases)

    @property
    def weight(self) -> int:
        """How many numbers are wrong alike."""
        return sum(max(weight, 0) for _, state, weight in self.cases if state is State.SAME)

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that it explains."""
        found = []
        for name in dict.fromkeys(check for check, _, _ in self.cases):
            cases = [(state, weight) for check, state, weight in self.cases if check == name]
            states = [state for state, _ in cases]
            weight = sum(max(weight, 0) for state, weight in cases if state is State.SAME)
            fits = set(states) <= {State.QUIET, State.SAME, State.DEGENERATE}
            alike = states.count(State.SAME) >= states.count(State.DEGENERATE)
            if fits and alike and weight >= CONVINCING:
                found.append(name)
        return tuple(found)


def compared(
    trials: Sequence[Trial], seen: Sequence[Outcome], theirs: OutcomeOf, place: Place
) -> Compared:
    """Hold all cases of a place against a suspect's."""
    cases = []
    for at, trial in at_place(trials, seen, place):
        suspected = theirs(at)
        if suspected is None:  # it asks what was asked: its answer is the right one
            right = _finding(seen[at], place[1]).passed
            state = State.QUIET if right else State.OURS
        else:
            state = state_of(trial, place[1], seen[at], suspected)
        rounding = trial.check.kind == "precision"  # alike by chance
        told = not (state is State.SAME and _is_plain(trial, seen[at], place[1]))
        weight = weight_of(_finding(seen[at], place[1])) if told else 0
        weight = ROUNDING if rounding else weight
        cases.append((trial.check.name, state, weight))
    return Compared(tuple(cases))


def _is_plain(trial: Trial, outcome: Outcome, output: str) -> bool:
    """Whether many a bug gives the same: one number all over, or, of what is drawn, a shape."""
    if output == UNCHANGED or outcome.findings[output].problem not in {"value", "shape"}:
        return False
    expectation = trial.expectation
    if not isinstance(expectation, ValueExpectation):
        return outcome.findings[output].problem == "shape" and trial.check.kind == "statistics"
    names = Outputs(tuple(expectation.returns), tuple(expectation.updates))
    answer = outcome.answers[0]
    got = (names.of(answer) or {}).get(output) if answer.failure is None else None
    if not isinstance(got, Tensor) or not got.numel():
        return False
    return not bool(got.any()) or (got.numel() > 1 and bool((got == got.flatten()[0]).all()))


def at_place(
    trials: Sequence[Trial], seen: Sequence[Outcome], place: Place
) -> Iterator[tuple[int, Trial]]:
    function, output = place
    for at, (trial, outcome) in enumerate(zip(trials, seen, strict=True)):
        if trial.check.subject != function or (output == UNCHANGED and trial.check.gated):
            continue
        if isinstance(trial.expectation, Unmoved) and _says_nothing(outcome):
            continue
        if output in outcome.findings or output == UNCHANGED:
            yield at, trial


def _says_nothing(outcome: Outcome) -> bool:
    return all(finding.passed for finding in outcome.findings.values())


UNCHANGED = "unchanged"


def state_of(trial: Trial, output: str, ours: Outcome, theirs: Outcome) -> State:
    """What one case says."""
    if output == UNCHANGED:
        a, b = ours.unchanged, theirs.unchanged
        same = a.problem == b.problem and a.evidence.get("argument") == b.evidence.get("argument")
        if same:
            return State.SAME if a.problem == "changed" else State.QUIET
        return State.OTHER
    if output not in theirs.findings:
        return State.DEGENERATE
    a, b = ours.findings[output], theirs.findings[output]
    if a.passed and b.passed:
        return State.QUIET
    if trial.check.resembles(trial.expectation, ours, theirs).get(output, False):
        return State.QUIET if a.passed or b.passed else State.SAME
    if a.problem == b.problem == "nonfinite" and _same_places(a, b):
        return State.SAME  # NaN here is infinity there, as the order of operations has it
    if {a.problem, b.problem} & _DEGENERATE or trial.check.kind == "precision":
        return State.DEGENERATE
    if a.passed:
        return State.THEIRS
    return State.OURS if b.passed else State.OTHER


def weight_of(finding: Finding) -> int:
    """How much it says that a suspect is wrong in the same way: how many numbers are."""
    if finding.problem == "value":
        alone = finding.evidence.get("total", 1) == 1 and type(finding.evidence["got"]) is float
        return ONE_FLOAT if alone else int(finding.evidence.get("wrong", 1))
    if finding.problem == "shape":
        return math.prod(finding.evidence["got"])
    if finding.problem == "nonfinite":  # which numbers are NaN says something, all of them nothing
        off = int(finding.evidence.get("wrong", 0))
        return min(off, int(finding.evidence.get("total", 0)) - off)
    return CONVINCING if finding.problem == "law" else 0


def _same_places(a: Finding, b: Finding) -> bool:
    return all(a.evidence.get(key) == b.evidence.get(key) for key in ("wrong", "total", "index"))


def wrong(trials: Sequence[Trial], outcomes: Sequence[Outcome]) -> set[Place]:
    """The places where something is wrong in some case, not only not to be told yet."""
    return {
        (trial.check.subject, output)
        for trial, outcome in zip(trials, outcomes, strict=True)
        for output, finding in _found(trial, outcome)
        if not finding.passed and finding.problem != _WAITING
    }


def _found(trial: Trial, outcome: Outcome) -> Iterator[tuple[str, Finding]]:
    yield from outcome.findings.items()
    # A call that failed says nothing about whether arguments are left alone, and what should have
    # been refused may change what it may not.
    if outcome.unchanged.problem == "changed" and not trial.check.gated:
        yield UNCHANGED, outcome.unchanged


def _finding(outcome: Outcome, output: str) -> Finding:
    return outcome.unchanged if output == UNCHANGED else outcome.findings[output]
