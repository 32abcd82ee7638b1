"""What the reference says about one call: its outputs, and how far an answer may be from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from autograder.case import cast
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Value
from autograder.judging.compare import Expected, ValueExpectation, compare, returned
from autograder.numerics.tolerance import sensitivity, tolerance

# A kink is approached from both sides this closely; the truths on the two sides bound the answer.
NUDGE = 1e-9

# How much more two wrong answers may differ than a right one from the truth, and still be alike.
ALIKE = 16.0


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
    values = _given(outputs, reference.call(call))
    precise = _given(outputs, reference.call(exact))
    sides = [
        _given(outputs, reference.call(_nudged(exact, name, by)))
        for name in kinks
        for by in (-NUDGE, NUDGE)
    ]
    floats = [
        name
        for name, value in precise.items()
        if isinstance(value, Tensor) and value.is_floating_point()
    ]

    def pick(answer: Answer) -> list[Tensor]:
        found = _given(outputs, answer)
        return [value for name in floats if isinstance(value := found[name], Tensor)]

    measured = dict(zip(floats, sensitivity(exact, reference.call, pick), strict=True))
    expected = {}
    for name, value in values.items():
        truth = precise[name]
        if isinstance(truth, Tensor) and isinstance(value, Tensor) and name in measured:
            noise = (value.to(torch.float64) - truth).abs()
            allowed = tolerance(measured[name], noise, value.dtype)
            around = torch.stack([truth, *(_tensor(side[name]) for side in sides)])
            expected[name] = Expected(value, around.amin(0), around.amax(0), allowed)
        else:
            expected[name] = Expected(value)
    updates = {name: expected.pop(name) for name in outputs.updates}
    return ValueExpectation(expected, updates)


def alike(
    expectation: ValueExpectation, outputs: Outputs, ours: Answer, theirs: Answer
) -> Mapping[str, bool]:
    """Per output, whether two answers agree as closely as a right one must with the truth."""
    allowed = {**expectation.returns, **expectation.updates}
    a, b = outputs.of(ours), outputs.of(theirs)
    if a is None or b is None:
        return dict.fromkeys(allowed, a is b)
    return {
        name: compare(name, _as_truth(b[name], allowed[name]), a[name]).passed for name in allowed
    }


def _given(outputs: Outputs, answer: Answer) -> dict[str, Value]:
    if answer.failure is not None:
        raise AuthoringError(
            f"the solution failed with {answer.failure.exception}: {answer.failure.message}"
        )
    given = outputs.of(answer)
    if given is None:
        raise AuthoringError(f"the solution does not return {', '.join(outputs.returns)}")
    return given


def _nudged(call: Call, name: str, by: float) -> Call:
    moved = _tensor(call.arguments[name]) + by
    return Call(call.function, {**call.arguments, name: moved}, call.positional, call.seed)


def _tensor(value: Value) -> Tensor:
    assert isinstance(value, Tensor)  # noqa: S101 - the author's reference returns one
    return value


def _as_truth(value: Value, right: Expected) -> Expected:
    """Expect `value` where `right` was expected, as closely."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return Expected(value)
    exact = value.to(torch.float64)
    if right.tolerance is not None and right.tolerance.shape == value.shape:
        allowed = ALIKE * right.tolerance
    else:
        allowed = 1e-6 * exact.abs()
    return Expected(value, exact, exact, allowed)


def in_precision(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != dtype:
        return cast(value, dtype)
    return value


def call_in_precision(call: Call, dtype: torch.dtype) -> Call:
    arguments = {name: in_precision(value, dtype) for name, value in call.arguments.items()}
    return Call(call.function, arguments, call.positional, call.seed)
