"""Hold the answers to a script's calls against what the solution gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .call import Answer, Call
from .compare import Expected, compare, failed
from .finding import Finding


@dataclass(frozen=True)
class ScriptExpectation:
    """Per output, which call of the script gives it, and the truth; and the arguments that calls
    may change, because the solution does."""

    places: Mapping[str, int]
    truths: Mapping[str, Expected]
    changes: tuple[str, ...]

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        """One finding per output. Where a call could not be made, what an earlier one lacked is
        the finding."""
        findings = []
        for output, place in self.places.items():
            answer = answers[place]
            if answer.failure is None:
                findings.append(compare(output, self.truths[output], answer.value))
            else:
                findings.append(failed(output, root(answers[: place + 1])))
        return findings


def root(answers: Sequence[Answer]) -> Answer:
    """The last answer, or if it only lacks what an earlier call should have given, the first that
    failed by itself."""
    last = answers[-1]
    if last.failure is None or last.failure.kind != "input":
        return last
    return next((a for a in answers if a.failure and a.failure.kind != "input"), last)
