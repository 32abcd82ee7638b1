"""Cases of another mode: what may be left out, must be ignored, or has another rank.

*Without consequence*: a number that the solution does not look at there, such as a slope where
there is none, or a momentum in evaluation, is another one. *By default*: what a case leaves out is
given, as it is by default; and what every case gives is left out. *Another rank*: what may have any
shape, as the docstring says, has five dimensions, and one. All by what the functions'
signatures, docstrings and cases say already.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from autograder.case import Arguments, Case
from autograder.checks.base import FunctionCheck
from autograder.judging.call import Call
from autograder.judging.compare import same_values
from autograder.judging.local import LocalSession
from autograder.truth.sweeps import steady
from autograder.truth.trial import Trial

KINDS = {"values", "gradients", "statistics"}
ANY_SHAPE = re.compile(r"^\s*(\w+)(?:, \w+)*:.*\bany shape\b", re.MULTILINE)
Swept = tuple[Trial, Case, Arguments]


def otherwise(trials: Sequence[Trial], reference: LocalSession) -> Iterator[Swept]:
    """The new cases of one function, each with the trial that it was made from.

    Args:
        trials: all that authors wrote of the function.
    """
    own = [trial for trial in trials if trial.check.kind in KINDS and _is_plain(trial)]
    if not own:
        return
    check = own[0].check
    assert isinstance(check, FunctionCheck)  # noqa: S101 - `_is_plain` has seen to it
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(check.function).parameters.items()
        if parameter.default is not parameter.empty and name != "generator"
    }
    yield from _without_consequence(own, defaults, reference)
    yield from _by_default(own, defaults, reference)
    yield from _of_another_rank(own, reference)


def _is_plain(trial: Trial) -> bool:
    check = trial.check
    return isinstance(check, FunctionCheck) and not check.scripted and check.named


def _without_consequence(
    trials: Sequence[Trial], defaults: dict[str, Any], reference: LocalSession
) -> Iterator[Swept]:
    for name, default in defaults.items():
        for trial in trials:
            value = trial.arguments.get(name, default)
            if type(value) is not float:
                continue
            other = {**trial.arguments, name: value / 2 if value else 0.25}
            if _alike(trial, other, reference):
                yield trial, _named(trial, f"{name} without consequence"), other
                break


def _by_default(
    trials: Sequence[Trial], defaults: dict[str, Any], reference: LocalSession
) -> Iterator[Swept]:
    for trial in trials:
        left_out = {name: value for name, value in defaults.items() if name not in trial.arguments}
        if left_out and trial.check.kind != "statistics":
            yield trial, _named(trial, "defaults given"), {**trial.arguments, **left_out}
            break
    given = set.intersection(*(set(trial.arguments) for trial in trials))
    for name in defaults.keys() & given:
        for trial in trials:
            rest = {key: value for key, value in trial.arguments.items() if key != name}
            if _takes(trial, rest, reference):
                yield trial, _named(trial, f"without {name}"), rest
                break


def _of_another_rank(trials: Sequence[Trial], reference: LocalSession) -> Iterator[Swept]:
    check = trials[0].check
    assert isinstance(check, FunctionCheck)  # noqa: S101 - `_is_plain` has seen to it
    free = ANY_SHAPE.search(_documented(check, reference))
    for trial in trials if free else ():
        x = trial.arguments.get(free[1]) if free else None
        if trial.check.kind == "statistics" or trial.case.kinks or not isinstance(x, Tensor):
            continue
        if not 1 < x.dim() < 5:
            continue
        for rank, change in _RANKS.items():
            other = {
                name: change(v) if isinstance(v, Tensor) and v.shape == x.shape else v
                for name, v in trial.arguments.items()
            }
            if _takes(trial, other, reference):
                yield trial, _named(trial, rank), other
        return


def _of_five(t: Tensor) -> Tensor:
    return t.reshape(*t.shape[:1], *[1] * (5 - t.dim()), *t.shape[1:])


# None is left out: whoever goes through the rows of what may have any shape is right.
_RANKS: dict[str, Callable[[Tensor], Tensor]] = {
    "of five dimensions": _of_five,
    "of one dimension": lambda t: t.reshape(-1),
}


def _documented(check: FunctionCheck, reference: LocalSession) -> str:
    """The docstring of the function and, for a backward, of its forward."""
    forward = reference.find(check.subject.removesuffix("_backward"))
    return f"{inspect.getdoc(check.function)}\n{inspect.getdoc(forward)}"


def _named(trial: Trial, what: str) -> Case:
    return replace(trial.case, name=f"{trial.case.name}, {what}", public=False)


def _call(trial: Trial, arguments: Arguments) -> Call:
    check = trial.check
    assert isinstance(check, FunctionCheck)  # noqa: S101 - `_is_plain` has seen to it
    return check.call(arguments, trial.calls[0].seed)


def _alike(trial: Trial, arguments: Arguments, reference: LocalSession) -> bool:
    """Whether the solution gives just the same."""
    one, other = (reference.call(_call(trial, a)) for a in (trial.arguments, arguments))
    if one.failure is not None or other.failure is not None:
        return False
    changed = (other.arguments.get(name) for name in trial.check.updates)
    updated = [one.arguments.get(name) for name in trial.check.updates]
    return same_values(one.value, other.value) and same_values(updated, list(changed))


def _takes(trial: Trial, arguments: Arguments, reference: LocalSession) -> bool:
    check = trial.check
    if check.kind == "statistics":
        return reference.call(_call(trial, arguments)).failure is None
    return steady(check, arguments, reference)  # type: ignore[arg-type]
