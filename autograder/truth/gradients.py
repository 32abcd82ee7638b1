"""Is the reference's backward the gradient of its own forward?

The whole class is graded by it, so it is shown and not believed: by finite differences, and where
these tell nothing (among very large numbers, say) by autograd. A case with kinks shows nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from autograder.checks.values import GradientCheck
from autograder.exercise import Exercise
from autograder.judging.call import Call, Value
from autograder.judging.differences import against_forward
from autograder.judging.local import LocalSession, copy_with_strides
from autograder.topics.catalogue import Topic
from autograder.truth.scripts import script_gradients
from autograder.truth.trial import Trial

ELSEWHERE = 0.25  # how far from its default a number is tried that no case gives


@dataclass(frozen=True)
class Pair:
    """A backward's call, the forward's call at the same point, and the argument that belongs to
    each gradient: "grad_x" to "x"."""

    trial: Trial
    forward: Call
    arguments: Mapping[str, str]

    @property
    def backward(self) -> Call:
        return self.trial.calls[0]

    @property
    def returns(self) -> tuple[str, ...]:
        return tuple(self.trial.check.points)


def pairs(check: GradientCheck, exercise: Exercise, trials: Sequence[Trial]) -> Iterator[Pair]:
    """The check's own cases whose forward can be called at the same point: not those in which the
    backward needs what the forward makes, such as dropout's mask, nor those at kinks."""
    for trial in trials:
        if trial.check is not check or trial.case.kinks or check.scripted:
            continue
        if trial.case not in check.cases:  # made by machine, where its author did not look
            continue
        forward = _forward(exercise, trial.calls[0], trials)
        arguments = _wanted(tuple(check.points), forward) if forward else {}
        if forward and arguments:
            yield Pair(trial, forward, arguments)


def unproven(topic: Topic, exercise: Exercise, trials: Sequence[Trial]) -> Iterator[str]:
    """One sentence for each gradient that is wrong, or that nothing shows to be right though the
    record gives no reason why not."""
    functions = topic.functions()
    session = LocalSession(functions)
    checks = [check for check in exercise.checks if isinstance(check, GradientCheck)]
    shown: set[tuple[str, str]] = set()  # what of which backward
    for check in checks:
        if check.scripted:
            yield from script_gradients(check, trials)
            continue
        for pair in pairs(check, exercise, trials):
            for output, argument in pair.arguments.items():
                difference = against_forward(
                    output, argument, pair.returns, pair.forward, pair.backward, session
                )
                agrees = difference.passed or _as_autograd(pair, output, argument, functions)
                if agrees:
                    shown.add((check.subject, output))
                elif agrees is False and not check.unverified:
                    yield (
                        f"{check.name}, case {pair.trial.case.name!r}: {output} is not the "
                        f"gradient of {pair.forward.function} in {argument}"
                    )
                    shown.add((check.subject, output))
        yield from _defaults(check, exercise, trials, functions)
    for check in checks:
        missing = [output for output in check.points if (check.subject, output) not in shown]
        if check.scripted:
            continue
        if missing and not check.unverified:
            yield (
                f"{check.name}: no case shows that {', '.join(missing)} is the gradient of "
                f"{exercise.name}: add one in which the forward can be called with the same "
                "arguments, or say why there is none, as gradients(..., unverified=...)"
            )


def _defaults(
    check: GradientCheck,
    exercise: Exercise,
    trials: Sequence[Trial],
    functions: Mapping[str, Any],
) -> Iterator[str]:
    """Of numbers that forward and backward take by default and no case gives: a backward into which
    the default is built is right in every case."""
    pair = next(pairs(check, exercise, trials), None)
    if pair is None or check.unverified:
        return
    session = LocalSession(functions)
    taken = inspect.signature(exercise.functions[0]).parameters
    given = {name for trial in trials if trial.check is check for name in trial.case.arguments}
    for name in inspect.signature(check.function).parameters.keys() - given:
        default = taken[name].default if name in taken else None
        if not isinstance(default, float):
            continue
        other = {name: default + ELSEWHERE}
        forward, backward = (
            replace(call, arguments={**call.arguments, **other})
            for call in (pair.forward, pair.backward)
        )
        if session.call(forward).failure is not None:
            continue
        for output, argument in pair.arguments.items():
            moved = replace(pair.trial, calls=(backward,))
            there = replace(pair, trial=moved, forward=forward)
            fits = against_forward(output, argument, pair.returns, forward, backward, session)
            if not fits.passed and _as_autograd(there, output, argument, functions) is False:
                yield (
                    f"{check.name}: with {name}={default + ELSEWHERE:g}, {output} is not the "
                    f"gradient of {forward.function} in {argument}, and no case gives {name}"
                )
                return


def _as_autograd(
    pair: Pair, output: str, argument: str, functions: Mapping[str, Any]
) -> bool | None:
    """Whether autograd gives this gradient as well; None where it gives nothing finite."""
    call = pair.forward
    given: dict[str, Any] = {
        name: copy_with_strides(value) if isinstance(value, Tensor) else value
        for name, value in call.arguments.items()
    }
    at, grad_y = given[argument], pair.backward.arguments["grad_y"]
    assert isinstance(grad_y, Tensor)  # noqa: S101 - its forward gives one
    session = LocalSession(functions)
    value = session.call(pair.backward).value
    values = value if isinstance(value, tuple) else (value,)
    ours = values[pair.returns.index(output)]
    try:
        result = functions[call.function](**{**given, argument: at.requires_grad_()})
        y = result[0] if isinstance(result, tuple) else result
        (theirs,) = torch.autograd.grad(y, at, grad_y)
    except (RuntimeError, TypeError, IndexError):
        return False  # then finite differences have the last word
    if not isinstance(ours, Tensor) or not torch.isfinite(theirs).all():
        return None
    scale = float(theirs.abs().max()) if theirs.numel() else 0.0
    return torch.allclose(ours, theirs, rtol=1e-6, atol=1e-9 * scale)


def _forward(exercise: Exercise, backward: Call, trials: Sequence[Trial]) -> Call | None:
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
    found = {}
    for output in outputs:
        argument = output.removeprefix("grad_")
        value = forward.arguments.get(argument)
        if isinstance(value, Tensor) and value.dtype == torch.float64:
            found[output] = argument
    return found
