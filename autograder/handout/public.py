"""What of a topic's cases is public, as data for the self-check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autograder.checks.values import GradientCheck
from autograder.exercise import Exercise
from autograder.judging.differences import against_forward
from autograder.judging.local import LocalSession
from autograder.topics.catalogue import Topic
from autograder.truth.gradients import pairs
from autograder.truth.oracle import PUBLIC_SECRET, Oracle
from autograder.truth.trial import Trial
from autograder.truth.verify import verify


def public_data(topic: Topic) -> list[dict[str, Any]]:
    """Per exercise its checks with the public trials; a check that has none is left out.

    Raises:
        AuthoringError: a gradient of the solution's is wrong: the self-check would teach it.
    """
    oracle = Oracle(PUBLIC_SECRET)
    return [_exercise(oracle, topic, e) for e in topic.exercises if e.functions]


def _exercise(oracle: Oracle, topic: Topic, exercise: Exercise) -> dict[str, Any]:
    verify(topic, exercise, oracle.trials(topic, exercise))
    trials = [trial for trial in oracle.trials(topic, exercise) if trial.case.public]
    checks = [
        {
            "name": check.name,
            "gated": check.gated,
            "points": dict(check.points),
            "trials": [
                {
                    "case": trial.case.name,
                    "calls": list(trial.calls),
                    "expectation": trial.expectation,
                    "updates": sorted(check.may_change(trial.expectation)),
                }
                for trial in trials
                if trial.check is check
            ],
        }
        for check in exercise.checks
    ]
    timed = [check.name for check in exercise.checks if check.timed]
    return {
        "name": exercise.name,
        **({"timed": timed} if timed else {}),
        "unchanged": exercise.unchanged,
        "checks": [check for check in checks if check["trials"]],
        "differences": list(_differences(topic, exercise, trials)),
    }


def _differences(
    topic: Topic, exercise: Exercise, trials: Sequence[Trial]
) -> Iterator[dict[str, Any]]:
    """Of each check of gradients, the first case in which finite differences tell something: the
    solution's own must agree there, which they do not among very large numbers."""
    session = LocalSession(topic.functions())
    for check in exercise.checks:
        if not isinstance(check, GradientCheck):
            continue
        for pair in pairs(check, exercise, trials):
            if all(
                against_forward(o, a, pair.returns, pair.forward, pair.backward, session).passed
                for o, a in pair.arguments.items()
            ):
                yield {
                    "name": check.name,
                    "case": pair.trial.case.name,
                    "forward": pair.forward,
                    "backward": pair.backward,
                    "returns": list(check.points),
                    "arguments": pair.arguments,
                }
                break
