"""What was found about one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.judging.call import Answer, Call, Failure
from autograder.judging.compare import ValueExpectation
from autograder.judging.finding import Finding
from autograder.numerics.expectation import Outputs


@dataclass(frozen=True)
class Fault:
    """A call that was answered wrongly, with all that it takes to find out why."""

    call: Call
    answer: Answer
    outputs: Outputs
    expectation: ValueExpectation


@dataclass(frozen=True)
class Outcome:
    """The answers to the calls of one case, and what was found about them."""

    answers: tuple[Answer, ...]
    findings: Mapping[str, Finding]  # by output
    unchanged: Finding
    curves: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)  # by output
    faults: tuple[Fault, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the answers."""
        return sum(answer.size for answer in self.answers)

    def without_values(self) -> Outcome:
        """The same findings about answers that are no longer kept."""
        gone = Failure("reply", "too large to be kept")
        answers = [
            Answer(
                failure=gone, seconds=a.seconds, output=a.output, size=a.size, operators=a.operators
            )
            for a in self.answers
        ]
        return Outcome(tuple(answers), self.findings, self.unchanged, self.curves)
