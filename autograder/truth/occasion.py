"""When a place goes wrong: what the cases that fail have in common, and no other case has."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from autograder.case import Arguments
from autograder.checks.base import FunctionCheck
from autograder.judging.call import Call, Value
from autograder.judging.compare import ValueExpectation, same_values
from autograder.numerics.outcome import Outcome
from autograder.truth.matching import Place, at_place
from autograder.truth.trial import Trial

_IMAGE = ("items", "channels", "rows", "columns")


def occasion(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> str:
    """ "only where `padding` is 0": what is true of the failing cases, and of them alone; empty
    where there is nothing so simple, or where all cases fail."""
    cases = [
        (at, trial)
        for at, trial in at_place(trials, seen, place)
        if place[1] in seen[at].findings and trial.calls
    ]
    failing = {at for at, _ in cases if not seen[at].findings[place[1]].passed}
    if not failing or len(failing) == len(cases) or len(cases) < 3:
        return ""
    given = f"with `{place[1].removeprefix('grad_')}`"  # without it there is no such gradient
    settings = {at: dict.fromkeys(_of_arguments(trial.calls[0])) for at, trial in cases}
    asked = {at: dict.fromkeys(f for f in _asked(trial) if f != given) for at, trial in cases}
    all_of_it = {at: dict.fromkeys([*asked[at], *_answered(trial)]) for at, trial in cases}
    before = _remembered(trials)  # most cases come after others: that alone, or it says nothing
    return (
        _alone(asked, failing)
        or _together(settings, failing)
        or _alone(all_of_it, failing)
        or _together(all_of_it, failing)
        or _alone({at: dict.fromkeys(before.get(at, ())) for at, _ in cases}, failing)
    )


Facts: TypeAlias = Mapping[int, Mapping[str, None]]  # by case


def _alone(facts: Facts, failing: Collection[int]) -> str:
    for one in facts[min(failing)]:
        if {at for at in facts if one in facts[at]} == failing:
            return f"only {one}"
    return ""


def _together(facts: Facts, failing: Collection[int]) -> str:
    shared = [one for one in facts[min(failing)] if all(one in facts[at] for at in failing)]
    for one, other in itertools.combinations(shared, 2):
        if {at for at in facts if one in facts[at] and other in facts[at]} == failing:
            return f"only {one} and {other}"
    return ""


def _remembered(trials: Sequence[Trial]) -> Mapping[int, Sequence[str]]:
    """Which cases ask what was asked before with other numbers: there it shows if anything is kept
    by the arguments' shapes."""
    first: dict[object, Arguments] = {}
    found: dict[int, list[str]] = {}
    for at, trial in enumerate(trials):
        check = trial.check
        for call in trial.calls:
            given: Arguments = dict(call.arguments)
            if isinstance(check, FunctionCheck) and call.function == check.subject:
                given = check.bound(call)  # a default counts as given
            for alike, form in _forms(given):
                earlier = first.setdefault((call.function, alike, *form), given)
                if not same_values(earlier, given):
                    found.setdefault(at, []).append(
                        f"where other numbers of the same {alike} came before (is anything kept "
                        "from one call to the next?)"
                    )
    return found


def _forms(given: Arguments) -> Iterator[tuple[str, list[object]]]:
    shapes = [(n, v.shape) for n, v in given.items() if isinstance(v, Tensor)]
    yield "shapes", [*shapes]
    others = [(n, repr(v)) for n, v in given.items() if not isinstance(v, Tensor)]
    if others:
        yield "shapes and settings", [*shapes, *others]


def _asked(trial: Trial) -> Iterator[str]:
    """What can be said of what a case asks, the plain things first."""
    call = trial.calls[0]
    if trial.check.kind == "precision":
        yield "in float32"
    yield from _of_arguments(call)
    yield from _of_tensors(call.arguments)


def _answered(trial: Trial) -> Iterator[str]:
    """What can be said of the right answer."""
    expectation = trial.expectation
    if isinstance(expectation, ValueExpectation):
        yield from _of_tensors({n: e.value for n, e in expectation.returns.items()})
    yield f"in “{trial.check.name}”"


def _of_arguments(call: Call) -> Iterator[str]:
    for name, value in call.arguments.items():
        told = f"`{name}`"
        if value is None:
            yield f"without {told}"
        elif isinstance(value, bool):
            yield (
                ("in training" if value else "in evaluation")
                if name == "training"
                else (f"where {told} is {value}")
            )
        elif isinstance(value, str):
            yield f"where {told} is {value!r}"
        elif isinstance(value, int | float):
            if value in {0, 1}:
                yield f"where {told} is {value:g}"
            if value != 0:
                yield f"where {told} is not 0"
            if value != 1:
                yield f"where {told} is not 1"
            if value not in {0, 1}:
                yield f"where {told} is not 0 or 1"
            if value < 0:
                yield f"where {told} is negative"
        elif isinstance(value, tuple):
            yield f"where {told} is a pair"
            if len(set(value)) > 1:
                yield f"where the two numbers of {told} differ"
            if any(v != 0 for v in value):
                yield f"where {told} is not 0"
            if any(v != 1 for v in value):
                yield f"where {told} is not 1"
        elif isinstance(value, Tensor):
            yield f"with {told}"
    for name in ("stride", "padding", "dilation", "groups", "weight", "bias", "alpha"):
        if name not in call.arguments:
            yield f"where `{name}` is left at its default"


def _of_tensors(values: Mapping[str, Value]) -> Iterator[str]:
    for name, value in values.items():
        if not isinstance(value, Tensor):
            continue
        told = f"`{name}`"
        if not value.is_contiguous():
            yield f"where {told} is not contiguous (transposed, expanded or sliced)"
        yield f"where {told} has {value.dim()} dimension{'s' if value.dim() != 1 else ''}"
        for dim, size in enumerate(value.shape):
            axis = _IMAGE[dim] if value.dim() == 4 else f"entries in dimension {dim}"
            if size == 1:
                yield f"where {told} has one of its {axis} only"
        if value.dim() >= 2:
            same = value.shape[-1] == value.shape[-2]
            yield f"where {told} is {'square' if same else 'not square'}"
        if not value.numel():
            yield f"where {told} is empty"
            continue
        if value.is_floating_point() and bool(torch.isfinite(value).all()):
            largest = float(value.abs().max())
            if largest >= 50:
                yield f"where {told} has large numbers"
            if largest == 0:
                yield f"where {told} is zero everywhere"
                continue
            if bool((value == 0).any()):
                yield f"where {told} holds zeros"
            if largest < 1e-2:
                yield f"where {told} has only small numbers"
