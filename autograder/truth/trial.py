"""A case ready to be put to a submission, and what a recorded misconception gives for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.case import Arguments, Case
from autograder.checks.base import Check
from autograder.exercise import Misconception
from autograder.judging.call import Answer, Call
from autograder.judging.compare import ValueExpectation, compare
from autograder.numerics.outcome import Outcome


@dataclass(frozen=True)
class Trial:
    """One case of one check, ready to be put to a submission."""

    check: Check
    case: Case
    arguments: Arguments
    calls: tuple[Call, ...]
    expectation: Any  # of the check's kind

    def judge(self, answers: Iterable[Answer]) -> Outcome:
        """What the answers to the calls are worth."""
        return self.check.judge(self.expectation, self.calls, answers)

    def is_off(self, outcome: Outcome) -> bool:
        """Whether something is wrong that it counts by: what refuses leaves nothing to change."""
        findings = outcome.findings.values()
        unchanged = self.check.gated or outcome.unchanged.passed
        return not (unchanged and all(finding.passed for finding in findings))


@dataclass(frozen=True)
class Suspect:
    """What a misconception gives for every trial of its exercise, in the trials' order."""

    misconception: Misconception
    outcomes: tuple[Outcome, ...]


def never_updated(check: Check, trials: Sequence[Trial]) -> set[str]:
    """The outputs of a check that are arguments, and that are right as they came in every case:
    whoever does nothing would be paid for them."""
    expected = [trial for trial in trials if isinstance(trial.expectation, ValueExpectation)]
    return {
        name
        for name in (check.updates if expected else ())
        if all(
            compare(name, trial.expectation.updates[name], trial.calls[0].arguments[name]).passed
            for trial in expected
        )
    }
