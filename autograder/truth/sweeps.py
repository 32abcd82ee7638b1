"""Cases that no author writes, drawn from those that they did.

*Sizes of one*: a batch of one, one channel, one class, an image smaller than the kernel;
`squeeze()`, "if n == 1" and conditions that are too strict go wrong nowhere else. *Strided
targets*: what is changed in place lies scattered in memory; who changes a copy of it is seen.
*Zeros*: a mask that is read off the result is wrong where an input is exactly zero. *Special
values*: whole numbers, with zeros and ties among them, and rows that are all alike. *Float32*: what
no check asks at that precision, for its type and its rounding. *Finer*: numbers of float64 that
float32 cannot hold; who keeps them in float32 on the way is off by that. *Asked again*: a case of
the same shapes with other numbers, after all others; results that are kept by shape, gradients that
gather from call to call and first calls that differ show only there. All hold for every check by
what its cases say already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from autograder.case import Arguments, Case, Recipe, graded_on
from autograder.checks.base import Check, FunctionCheck
from autograder.checks.statistics import MaskCheck
from autograder.checks.values import PrecisionCheck, ValueCheck
from autograder.judging.call import Value, ordered
from autograder.judging.compare import ValueExpectation, same_values
from autograder.judging.local import LocalSession
from autograder.judging.tree import as_tensor, is_float, leaves, like, mapped
from autograder.truth.trial import Trial

TINY = 1e-3  # below it is what cancellation has left of numbers around one, of the size of eps
KINDS = {"values", "gradients"}
MOST_SINGLE = 4  # cases with a size of one per check
Axis = tuple[str, int]  # of an argument
BESIDE = 1e-8  # so near must an answer be nearly the same
JUMP = 1e-5  # by more than this, of its size, it is not
HALF_A_DIGIT = 2.0**-24  # of a number: what float32 does not tell apart
CLEAR = 1e-7  # of the largest right number: what may be allowed, or the case is ill-conditioned


def asked_again(checks: Iterable[Check]) -> list[Check]:
    """One check of each function whose first case can be drawn again."""
    found: dict[str, Check] = {}
    for check in checks:
        given = first_of(check).arguments.values()
        drawn = any(isinstance(leaf, Recipe) for value in given for _, leaf in leaves(value))
        if isinstance(check, FunctionCheck) and check.kind in KINDS and drawn:
            found.setdefault(check.subject, check)
    return list(found.values())


def again(check: Check) -> Case:
    """The check's first case once more, to be drawn with other numbers."""
    first = first_of(check)
    return replace(first, name=f"{first.name}, asked again with other numbers", public=False)


def first_of(check: Check) -> Case:
    """The first public case, or the first of all."""
    everywhere = graded_on(check.cases, "cpu")
    return next((case for case in everywhere if case.public), everywhere[0])


def single(
    check: Check, case: Case, arguments: Arguments
) -> Iterator[tuple[Case, Arguments, frozenset[Axis]]]:
    """The case with all sizes of one number cut to one, and which axes were cut."""
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
        axes = frozenset(
            (name, axis)
            for name, value in arguments.items()
            if isinstance(value, Tensor)
            for axis, length in enumerate(value.shape)
            if length == size
        )
        yield replace(case, name=f"{case.name}, one for {size}", public=False), cut, axes


def admitted(check: Check, arguments: Arguments, reference: LocalSession) -> bool:
    """Whether a cut case is input that is allowed: the solution takes it, and gives numbers of the
    arguments' shapes."""
    assert isinstance(check, FunctionCheck)  # noqa: S101 - only such cases are cut
    answer = reference.call(check.call(arguments, 0))
    fits = answer.failure is None and _sound(answer.value, arguments)
    return fits and _of_the_forward(check.subject, arguments, reference)


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


def in_float32(checks: Sequence[Check], trials: Sequence[Trial]) -> Iterator[tuple[Check, Trial]]:
    """A case of each function that takes floating-point numbers and that no check asks in float32,
    with the check that asks it: the line that counts least has it."""
    asked = {check.subject for check in checks if isinstance(check, PrecisionCheck)}
    cheapest: dict[str, ValueCheck] = {}
    for check in checks:
        if isinstance(check, ValueCheck) and check.kind in KINDS and check.subject not in asked:
            before = cheapest.get(check.subject)
            if before is None or _worth(check) < _worth(before):
                cheapest[check.subject] = check
    for check in cheapest.values():
        trial = next(trial for trial in trials if trial.check is check)
        if any(is_float(leaf) for v in trial.arguments.values() for _, leaf in leaves(v)):
            case = replace(trial.case, name=f"{trial.case.name}, in float32", public=False)
            lower = PrecisionCheck(
                check.function, (case,), check.points, check.name, dtype=torch.float32
            )
            yield lower, replace(trial, case=case)


def finer(
    check: Check, case: Case, arguments: Arguments, reference: LocalSession
) -> tuple[Case, Arguments] | None:
    """The case with its numbers, which float32 can hold, moved a little towards zero, so
    that it cannot. Whole numbers stay as they are; it is no case where the solution jumps."""
    if not isinstance(check, ValueCheck) or check.kind not in KINDS or case.kinks:
        return None
    generator = torch.Generator().manual_seed(0)
    change = partial(_with, change=partial(_finer, generator))
    other = {name: mapped(change, value) for name, value in arguments.items()}
    if same_values(other, arguments) or not steady(check, other, reference):
        return None
    return replace(case, name=f"{case.name}, finer than float32", public=False), other


def _finer(generator: torch.Generator, tensor: Tensor) -> Tensor:
    part = torch.rand(tensor.shape, generator=generator, dtype=torch.float64) * HALF_A_DIGIT
    return torch.where(tensor == tensor.round(), tensor, tensor * (1 - part))


def _worth(check: Check) -> float:
    return sum(check.points.values())


def special(
    check: Check, case: Case, arguments: Arguments, reference: LocalSession
) -> Iterator[tuple[str, Case, Arguments]]:
    """The case in whole numbers, and with rows that are all alike, where the solution gives numbers
    that tell anything and does not jump: what holds at a kink, only its author can say."""
    if not isinstance(check, ValueCheck) or check.kind not in KINDS or case.kinks:
        return
    for what, change in _SPECIAL.items():
        other = {
            key: mapped(partial(_with, change=change), value) for key, value in arguments.items()
        }
        if not same_values(other, arguments) and steady(check, other, reference):
            yield what, replace(case, name=f"{case.name}, {what}", public=False), other


def _with(leaf: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A leaf with its numbers changed, if it has floating-point ones."""
    tensor = as_tensor(leaf) if is_float(leaf) else None
    return leaf if tensor is None else like(leaf, change(tensor))


def _rows_alike(tensor: Tensor) -> Tensor:
    return tensor[:1].expand(tensor.shape).clone() if tensor.dim() > 1 else tensor


_SPECIAL: dict[str, Callable[[Tensor], Tensor]] = {
    "in whole numbers": torch.round,
    "with rows alike": _rows_alike,
}
SPECIAL = len(_SPECIAL)


def steady(check: ValueCheck, arguments: Arguments, reference: LocalSession) -> bool:
    """Whether the solution gives finite numbers there, and nearly the same very near by."""
    if check.scripted:
        return False
    there = reference.call(check.call(arguments, 0))
    if there.failure is not None or not _sound(there.value, arguments):
        return False
    for sign in (1, -1):
        generator = torch.Generator().manual_seed(0)
        beside = partial(_with, change=partial(_beside, sign, generator))
        moved = {name: mapped(beside, value) for name, value in arguments.items()}
        near = reference.call(check.call(moved, 0))
        if near.failure is not None or not _near(there.value, near.value):
            return False
    return True


def _beside(sign: int, generator: torch.Generator, tensor: Tensor) -> Tensor:
    noise = torch.rand(tensor.shape, generator=generator, dtype=torch.float64) - 0.5
    return tensor + sign * BESIDE * noise


def _near(one: Value, other: Value) -> bool:
    for (_, a), (_, b) in zip(leaves(one), leaves(other), strict=True):
        x, y = as_tensor(a), as_tensor(b)
        if x is None or y is None:
            if isinstance(a, float) and isinstance(b, float):
                x, y = torch.tensor([a]), torch.tensor([b])
            elif a != b:
                return False
            else:
                continue
        if not x.is_floating_point():
            if not torch.equal(x, y):
                return False
        elif not bool((x - y).abs().max() <= JUMP * (1 + x.abs().max())):
            return False
    return True


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
