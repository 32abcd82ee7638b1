"""What of a topic's cases is public, as data for the self-check."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from autograder.checks.values import GradientCheck
from autograder.exercise import Exercise
from autograder.judging.call import Call, Value
from autograder.judging.differences import against_forward
from autograder.judging.local import LocalSession
from autograder.topics.catalogue import Topic
from autograder.truth.oracle import PUBLIC_SECRET, Oracle, Trial


def public_data(topic: Topic) -> list[dict[str, Any]]:
    """Per exercise its checks with the public trials; a check that has none is left out."""
    oracle = Oracle(PUBLIC_SECRET)
    return [_exercise(oracle, topic, e) for e in topic.exercises if e.functions]


def _exercise(oracle: Oracle, topic: Topic, exercise: Exercise) -> dict[str, Any]:
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
                    "updates": sorted(check.updates),
                }
                for trial in trials
                if trial.check is check
            ],
        }
        for check in exercise.checks
    ]
    return {
        "name": exercise.name,
        "unchanged": exercise.unchanged,
        "checks": [check for check in checks if check["trials"]],
        "differences": list(_differences(topic, exercise, trials)),
    }


def _differences(
    topic: Topic, exercise: Exercise, trials: Sequence[Trial]
) -> Iterator[dict[str, Any]]:
    """Of each check of gradients, the first case in which finite differences tell something: the
    solution's own must agree there, which they do not at kinks or among very large numbers."""
    session = LocalSession(topic.functions())
    for check in exercise.checks:
        if not isinstance(check, GradientCheck):
            continue
        for trial in trials:
            if trial.check is not check or trial.case.kinks:
                continue
            backward = trial.calls[0]
            forward = _forward(exercise, backward, trials)
            wanted = _wanted(tuple(check.points), forward) if forward else {}
            if forward and all(
                against_forward(o, a, tuple(check.points), forward, backward, session).passed
                for o, a in wanted.items()
            ):
                yield {
                    "name": check.name,
                    "case": trial.case.name,
                    "forward": forward,
                    "backward": backward,
                    "returns": list(check.points),
                    "arguments": wanted,
                }
                break


def _forward(exercise: Exercise, backward: Call, trials: Sequence[Trial]) -> Call | None:
    """The forward's call at the point where the backward is called, or None when the backward
    needs what the forward makes, such as dropout's mask."""
    function = exercise.functions[0]
    parameters = inspect.signature(function).parameters
    arguments = {name: v for name, v in backward.arguments.items() if name != "grad_y"}
    if "grad_y" not in backward.arguments or not set(arguments) <= set(parameters):
        return None
    for name, parameter in parameters.items():
        if name not in arguments and parameter.default is parameter.empty:
            value = _alike(name, arguments, function.__name__, trials)
            if value is None:
                return None
            arguments[name] = value
    return Call(function.__name__, arguments, 0, backward.seed)


def _alike(name: str, arguments: dict[str, Value], function: str, trials: Sequence[Trial]) -> Value:
    """What only the forward takes (a bias), from a case of the forward with the same shapes."""
    for trial in trials:
        call = trial.calls[0]
        given = call.arguments.get(name)
        if call.function != function or not isinstance(given, Tensor):
            continue
        if all(_shape(call.arguments.get(key)) == _shape(v) for key, v in arguments.items()):
            return given.to(torch.float64)
    return None


def _shape(value: Value) -> torch.Size | None:
    return value.shape if isinstance(value, Tensor) else None


def _wanted(outputs: Sequence[str], forward: Call) -> dict[str, str]:
    """The argument of each gradient: "grad_x" belongs to "x"."""
    found = {}
    for output in outputs:
        argument = output.removeprefix("grad_")
        value = forward.arguments.get(argument)
        if isinstance(value, Tensor) and value.dtype == torch.float64:
            found[output] = argument
    return found
