"""A case ready to be put to a submission, and what a recorded misconception gives for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autograder.case import Arguments, Case
from autograder.checks.base import Check
from autograder.exercise import Misconception
from autograder.judging.call import Answer, Call
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
