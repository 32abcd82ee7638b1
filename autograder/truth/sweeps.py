"""Cases that no author writes, drawn from those that they did.

*Sizes of one*: a batch of one, one channel, one class, an image smaller than the kernel;
`squeeze()`, "if n == 1" and conditions that are too strict go wrong nowhere else. *Strided
targets*: what is changed in place lies scattered in memory; who changes a copy of it is seen.
*Zeros*: a mask that is read off the result is wrong where an input is exactly zero. *Asked again*:
a case of the same shapes with other numbers, after all others; results that are kept by shape,
gradients that gather from call to call and first calls that differ show only there. All hold for
every check by what its cases say already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from autograder.case import Arguments, Case, Recipe, graded_on
from autograder.checks.base import Check, FunctionCheck
from autograder.checks.statistics import MaskCheck
from autograder.judging.call import Value, ordered
from autograder.judging.compare import ValueExpectation
from autograder.judging.local import LocalSession
from autograder.judging.tree import mapped

TINY = 1e-3  # below it is what cancellation has left of numbers around one, of the size of eps
KINDS = {"values", "gradients"}
MOST_SINGLE = 4  # cases with a size of one per check
Axis = tuple[str, int]  # of an argument
CLEAR = 1e-7  # of the largest right number: what may be allowed, or the case is ill-conditioned


def asked_again(checks: Iterable[Check]) -> list[Check]:
    """One check of each function whose first case can be drawn again."""
    found: dict[str, Check] = {}
    for check in checks:
        drawn = any(isinstance(value, Recipe) for value in _first(check).arguments.values())
        if isinstance(check, FunctionCheck) and check.kind in KINDS and drawn:
            found.setdefault(check.subject, check)
    return list(found.values())


def again(check: Check) -> Case:
    """The check's first case once more, to be drawn with other numbers."""
    first = _first(check)
    return replace(first, name=f"{first.name}, asked again with other numbers", public=False)


def _first(check: Check) -> Case:
    everywhere = graded_on(check.cases, "cpu")
    return next((case for case in everywhere if case.public), everywhere[0])


def single(
    check: Check, case: Case, arguments: Arguments, reference: LocalSession
) -> Iterator[tuple[Case, Arguments, frozenset[Axis]]]:
    """The case with all sizes of one number cut to one, where that is input that is allowed: the
    solution takes it, and gives numbers of the arguments' shapes. And which axes were cut."""
    if not isinstance(check, FunctionCheck) or check.kind not in KINDS or case.kinks:
        return
    sizes = dict.fromkeys(
        size for value in arguments.values() if isinstance(value, Tensor) for size in value.shape
    )
    for size in sizes:
        if size < 2:
            continue
        # Within lists and dicts as well: else two arguments would no longer fit each other.
        cut = {name: mapped(partial(_cut, size=size), value) for name, value in arguments.items()}
        answer = reference.call(check.call(cut, 0))
        fits = answer.failure is None and _sound(answer.value, cut)
        if fits and _of_the_forward(check.subject, cut, reference):
            axes = frozenset(
                (name, axis)
                for name, value in arguments.items()
                if isinstance(value, Tensor)
                for axis, length in enumerate(value.shape)
                if length == size
            )
            yield replace(case, name=f"{case.name}, one for {size}", public=False), cut, axes


def strided(check: Check, case: Case, arguments: Arguments) -> tuple[Case, Arguments] | None:
    """The case with each argument that is to be changed in every second place of a larger one."""
    targets = {
        name: torch.stack([value, value], -1)[..., 0]
        for name in check.updates
        if isinstance(value := arguments.get(name), Tensor) and value.numel() > 1
    }
    if not targets or check.kind not in {"values", "statistics"} or case.public:
        return None
    return replace(case, name=f"{case.name}, strided"), {**arguments, **targets}


def with_zeros(check: Check, case: Case, arguments: Arguments) -> tuple[Case, Arguments] | None:
    """The case of a mask with every third number of what is masked exactly zero."""
    if not isinstance(check, MaskCheck) or case.public:
        return None
    name, value = next(iter(arguments.items()), ("", None))
    if not isinstance(value, Tensor):
        return None
    zeros = torch.arange(value.numel()).view(value.shape) % 3 == 0
    changed = {**arguments, name: torch.where(zeros, torch.zeros_like(value), value)}
    return replace(case, name=f"{case.name}, with zeros"), changed


def _of_the_forward(function: str, arguments: Arguments, reference: LocalSession) -> bool:
    """Whether a backward's grad_y has the shape that its forward gives, if that can be asked."""
    forward = function.removesuffix("_backward")
    grad_y = arguments.get("grad_y")
    if forward == function or not isinstance(grad_y, Tensor) or not reference.has(forward):
        return True
    given = {name: v for name, v in arguments.items() if name in reference.parameters(forward)}
    answer = reference.call(ordered(forward, reference.parameters(forward), given))
    if answer.failure is not None:
        return answer.failure.exception == "TypeError"  # it takes more than the backward
    y = answer.value[0] if isinstance(answer.value, tuple) else answer.value
    return isinstance(y, Tensor) and y.shape == grad_y.shape


def _cut(value: Value, size: int) -> Value:
    if not isinstance(value, Tensor):
        return value
    for axis, length in enumerate(value.shape):
        if length == size:
            value = value.narrow(axis, 0, 1)
    return value.clone()


def _sound(value: Value, arguments: Arguments) -> bool:
    """Whether these are numbers that tell anything, gradients of their arguments' shapes."""
    values = value if isinstance(value, tuple) else (value,)
    tensors = [v for v in values if isinstance(v, Tensor)]
    if not tensors or any(not v.numel() or not bool(torch.isfinite(v).all()) for v in tensors):
        return False
    if any(v.is_floating_point() and not bool(v.any()) for v in tensors):
        return False
    if "grad_y" in arguments:
        shapes = {tuple(v.shape) for v in arguments.values() if isinstance(v, Tensor)}
        return all(tuple(v.shape) in shapes for v in tensors)
    return True


def clear(expectation: object) -> bool:
    """Whether an answer must be near the truth: what is normalised over one number may be off by
    any rounding."""
    if not isinstance(expectation, ValueExpectation):
        return False
    for expected in (*expectation.returns.values(), *expectation.updates.values()):
        truth, allowed = expected.low, expected.tolerance
        if truth is None or allowed is None:
            continue
        largest = float(truth.abs().max())
        if largest < TINY or float(allowed.abs().max()) > CLEAR * largest:
            return False
    return True
