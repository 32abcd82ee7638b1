"""What the reference says about one call: its outputs, and how far an answer may be from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from autograder.case import recast
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Value
from autograder.judging.compare import NUMBER, Expected, ValueExpectation, compare, returned
from autograder.judging.travel import untravelled
from autograder.judging.tree import as_tensor, is_float, leaves, like, mapped
from autograder.numerics.tolerance import PROBES, amount, jittered, tolerance

# A kink is approached from both sides this closely; the truths on the two sides bound the answer.
NUDGE = 1e-9

# How much more two wrong answers may differ than a right one from the truth, and still be alike.
ALIKE = 16.0

NOT_SMALL = 2.0**-10
COARSE = 2.0**-21  # what numbers are off by, in their size, that were in float32 on the way


class Caller(Protocol):
    def call(self, call: Call) -> Answer: ...


@dataclass(frozen=True)
class Outputs:
    """The names of what a function gives: returned values in order, and updated arguments."""

    returns: tuple[str, ...]
    updates: tuple[str, ...] = ()

    def of(self, answer: Answer) -> dict[str, Value] | None:
        """The answer's outputs by name, or None when they are not as many as there should be."""
        values = returned(answer, len(self.returns)) if self.returns else ()
        if values is None:
            return None
        after = {name: answer.arguments[name] for name in self.updates}
        return {**dict(zip(self.returns, values, strict=True)), **after}


def expect_values(
    call: Call,
    outputs: Outputs,
    reference: Caller,
    kinks: Collection[str] = (),
) -> ValueExpectation:
    """The truth of a call, and the tolerance measured at it.

    Args:
        kinks: the arguments in which the function may have a kink here.

    Raises:
        AuthoringError: the reference does not give these outputs.
    """
    exact = call_in_precision(call, torch.float64)

    def given(one: Call) -> dict[str, Value]:
        return _given(outputs, reference.call(one))

    expected = expect_outputs(
        given(call),
        given(exact),
        [given(_nudged(exact, name, by)) for name in kinks for by in (-NUDGE, NUDGE)],
        [given(jittered(exact, probe)) for probe in range(PROBES)],
        precision_of(call.arguments.values()),
    )
    updates = {name: expected.pop(name) for name in outputs.updates}
    return ValueExpectation(expected, updates)


def expect_outputs(
    values: Mapping[str, Value],
    precise: Mapping[str, Value],
    sides: Sequence[Mapping[str, Value]],
    moved: Sequence[Mapping[str, Value]],
    dtype: torch.dtype,
) -> dict[str, Expected]:
    """What to expect of each output.

    Args:
        values: what the reference gives at the student's precision.
        precise: the same in float64.
        sides: and on both sides of each kink.
        moved: and at inputs that are off by about `tolerance.STEP`.
        dtype: the precision in which Python's own numbers were computed.

    Raises:
        AuthoringError: an output is nothing that can travel, or has another form when its inputs
            move a little.
    """
    expected = {}
    for name, value in values.items():
        why = untravelled(value)
        if why:
            raise AuthoringError(f"the solution's {name}{why}")
        beside, near = [run[name] for run in sides], [run[name] for run in moved]
        try:
            expected[name] = _expected(value, precise[name], beside, near, dtype)
        except (IndexError, KeyError, TypeError, RuntimeError):
            raise AuthoringError(
                f"{name} changes its form when the inputs move by a part in 2^30: give inputs "
                "that are clear of that"
            ) from None
    return expected


def _expected(
    value: Any, precise: Any, sides: Sequence[Any], moved: Sequence[Any], dtype: torch.dtype
) -> Expected:
    def part(at: Any) -> Expected:
        beside, near = [run[at] for run in sides], [run[at] for run in moved]
        return _expected(value[at], precise[at], beside, near, dtype)

    if isinstance(value, tuple | list):
        return Expected(tuple(part(at) for at in range(len(value))))
    if isinstance(value, dict):
        return Expected({key: part(key) for key in value})
    if not is_float(value) and not isinstance(value, float):
        return Expected(value)
    truth, at_precision = _numbers(precise), _numbers(value)
    noise = (at_precision.to(torch.float64) - truth).abs()
    measured = amount(truth, [_numbers(run) for run in moved])
    if isinstance(value, float):
        allowed = tolerance(measured, noise, dtype)
        if not float(allowed) > NUMBER * max(1.0, abs(value)):
            return Expected(value)  # as near as any number of Python must be
    else:
        allowed = tolerance(measured, noise, at_precision.dtype)
    around = torch.stack([truth, *(_numbers(side) for side in sides)])
    low, high = around.amin(0), around.amax(0)
    # One tensor where they are the same, as nearly everywhere: then there is one error to look at.
    return Expected(value, low, low if torch.equal(low, high) else high, allowed)


def _numbers(value: Any) -> Tensor:
    tensor = as_tensor(value)
    return torch.tensor(float(value), dtype=torch.float64) if tensor is None else tensor


def precision_of(values: Iterable[Value]) -> torch.dtype:
    """The type of the first floating-point numbers in there; float64 if there are none."""
    for value in values:
        for _, leaf in leaves(value):
            if is_float(leaf):
                return _numbers(leaf).dtype
    return torch.float64


def alike(
    expectation: ValueExpectation, outputs: Outputs, ours: Answer, theirs: Answer
) -> Mapping[str, bool]:
    """Per output, whether two answers agree as closely as a right one must with the truth."""
    allowed = {**expectation.returns, **expectation.updates}
    a, b = outputs.of(ours), outputs.of(theirs)
    if a is None or b is None:
        return dict.fromkeys(allowed, a is b)
    return {
        name: compare(name, _as_coarse(as_truth(b[name], allowed[name]), a[name]), a[name]).passed
        for name in allowed
    }


def _as_coarse(expected: Expected, got: Value) -> Expected:
    """The same, as closely as float32 has it, if that is what the answer was in on its way."""
    right, tolerance = expected.low, expected.tolerance
    if not isinstance(got, Tensor) or right is None or tolerance is None:
        return expected
    if got.dtype != torch.float64 or right.shape != got.shape or not _in_float32(got):
        return expected
    if float(got.abs().max()) < NOT_SMALL or _in_float32(right):
        return expected  # the former: units in the last place of 1, as differences leave them
    return replace(expected, tolerance=tolerance + COARSE * right.abs())


def _in_float32(value: Tensor) -> bool:
    """Whether all of it, which is something, are numbers of float32: hardly ever the first one."""
    if not value.numel():
        return False
    first = value.flatten()[0].item()
    if not abs(first) < np.finfo(np.float32).max or float(np.float32(first)) != first:
        return False
    return bool((value == value.to(torch.float32)).all())


def refuse_failure(answer: Answer) -> None:
    """Raises AuthoringError where the solution gave no answer."""
    failure = answer.failure
    if failure is not None:
        said = ": ".join(filter(None, (failure.exception or failure.kind, failure.message)))
        raise AuthoringError(f"the solution failed with {said}")


def _given(outputs: Outputs, answer: Answer) -> dict[str, Value]:
    refuse_failure(answer)
    given = outputs.of(answer)
    if given is None:
        raise AuthoringError(f"the solution does not return {', '.join(outputs.returns)}")
    return given


def _nudged(call: Call, name: str, by: float) -> Call:
    moved = nudged(call.arguments[name], by)
    return Call(call.function, {**call.arguments, name: moved}, call.positional, call.seed)


def nudged(value: Value, by: float) -> Value:
    """The value with every floating-point number in its tensors and arrays moved."""

    def move(leaf: Any) -> Any:
        return like(leaf, _numbers(leaf) + by) if is_float(leaf) else leaf

    return mapped(move, value)  # type: ignore[no-any-return]


def as_truth(value: Value, right: Expected) -> Expected:
    """Expect `value` where `right` was expected, as closely."""
    if isinstance(value, tuple | list):
        same = isinstance(right.value, tuple) and len(right.value) == len(value)
        parts = right.value if same else [Expected(None)] * len(value)
        return Expected(tuple(as_truth(one, part) for one, part in zip(value, parts, strict=True)))
    if isinstance(value, dict):
        known = right.value if isinstance(right.value, dict) else {}
        return Expected(
            {key: as_truth(one, known.get(key, Expected(None))) for key, one in value.items()}
        )
    if not is_float(value):
        return Expected(value)
    exact = _numbers(value).to(torch.float64)
    if right.tolerance is not None and right.tolerance.shape == exact.shape:
        allowed = ALIKE * right.tolerance
    else:
        allowed = 1e-6 * exact.abs()
    return Expected(value, exact, exact, allowed)


def in_precision(value: Any, dtype: torch.dtype) -> Any:
    """The value with its floating-point tensors and arrays in another type."""

    def change(leaf: Any) -> Any:
        return recast(leaf, dtype) if is_float(leaf) and _numbers(leaf).dtype != dtype else leaf

    return mapped(change, value)


def call_in_precision(call: Call, dtype: torch.dtype) -> Call:
    arguments = {name: in_precision(value, dtype) for name, value in call.arguments.items()}
    return Call(call.function, arguments, call.positional, call.seed)
