"""Does the solution give the same when it is asked again?

What it draws at random, or remembers from call to call, no submission can give as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autograder.checks.base import FunctionCheck
from autograder.exercise import Exercise
from autograder.judging.local import LocalSession
from autograder.topics.catalogue import Topic
from autograder.truth.trial import Trial

EXACT = {"values", "gradients", "precision"}


def unsteady(topic: Topic, exercise: Exercise, trials: Sequence[Trial]) -> Iterator[str]:
    """One sentence for each output that is another one under another seed, or the next time."""
    session, told = LocalSession(topic.functions()), set()
    for trial in trials:
        check = trial.check
        if check.kind not in EXACT or not isinstance(check, FunctionCheck):
            continue
        calls = [replace(call, seed=call.seed + 1) for call in trial.calls]
        findings = trial.judge(session.run(calls)).findings
        wrong = [name for name, found in findings.items() if not found.passed]
        if wrong and check.name not in told:
            told.add(check.name)
            yield (
                f"{check.name}, case {trial.case.name!r}: the solution's {wrong[0]} is another one "
                "when it is asked again: is something drawn at random, or remembered?"
            )
