"""Deterministic answers: values, gradients, and the same at the student's precision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from autograder.checks.base import Check, Expectation, Outcome, SeedSource, call_in_precision
from autograder.errors import AuthoringError
from autograder.exercise import Arguments, Case
from autograder.judging.call import Answer, Call, Session, Value
from autograder.judging.compare import Expected, ValueExpectation, compare, returned
from autograder.tolerance import sensitivity, tolerance

# A kink is approached from both sides this closely; the truths on the two sides bound the answer.
NUDGE = 1e-9

# How much more two wrong answers may differ than a right one from the truth, and still be alike.
ALIKE = 16.0


@dataclass(frozen=True)
class ValueCheck(Check):
    """Answers must be the reference's, up to rounding."""

    kind: ClassVar[str] = "values"

    def calls(self, arguments: Arguments, seeds: SeedSource) -> list[Call]:
        return [self._call(arguments, seeds("call"))]

    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> ValueExpectation:
        (call,) = calls
        exact = call_in_precision(call, torch.float64)
        values = self._outputs(reference.call(call))
        precise = self._outputs(reference.call(exact))
        sides = [
            self._outputs(reference.call(_nudged(exact, name, by)))
            for name in case.kinks
            for by in (-NUDGE, NUDGE)
        ]
        floats = [
            name
            for name, value in precise.items()
            if isinstance(value, Tensor) and value.is_floating_point()
        ]

        def pick(answer: Answer) -> list[Tensor]:
            outputs = self._outputs(answer)
            return [value for name in floats if isinstance(value := outputs[name], Tensor)]

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
        updates = {name: expected.pop(name) for name in self.points if name in self.updates}
        return ValueExpectation(expected, updates)

    def resembles(
        self, expectation: Expectation, seen: Outcome, suspected: Outcome
    ) -> Mapping[str, bool]:
        """Alike are two wrong answers that agree as closely as a right one must with the truth."""
        (ours,), (theirs,) = seen.answers, suspected.answers
        if ours.failure is not None or theirs.failure is not None:
            return super().resembles(expectation, seen, suspected)
        assert isinstance(expectation, ValueExpectation)  # noqa: S101 - what `expect` returns
        allowed = {**expectation.returns, **expectation.updates}
        a, b = self._split(ours), self._split(theirs)
        if a is None or b is None:
            return dict.fromkeys(self.points, a is b)
        return {
            name: compare(name, _as_truth(b[name], allowed[name]), a[name]).passed
            for name in self.points
        }

    def _outputs(self, answer: Answer) -> dict[str, Value]:
        if answer.failure is not None:
            raise AuthoringError(
                f"{self.name}: the solution failed with {answer.failure.exception}: "
                f"{answer.failure.message}"
            )
        outputs = self._split(answer)
        if outputs is None:
            raise AuthoringError(
                f"{self.name}: the solution does not return what `points` names: "
                + ", ".join(name for name in self.points if name not in self.updates)
            )
        return outputs

    def _split(self, answer: Answer) -> dict[str, Value] | None:
        """The answer's outputs by name, or None when they are not as many as there should be."""
        names = [name for name in self.points if name not in self.updates]
        values = returned(answer, len(names)) if names else ()
        if values is None:
            return None
        after = {name: answer.arguments[name] for name in self.updates}
        return {**dict(zip(names, values, strict=True)), **after}


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


@dataclass(frozen=True)
class GradientCheck(ValueCheck):
    """Each gradient is judged, and credited, on its own."""

    kind: ClassVar[str] = "gradients"


@dataclass(frozen=True)
class PrecisionCheck(ValueCheck):
    """The same at the precision that is used in practice: no more error than the problem's
    conditioning explains."""

    kind: ClassVar[str] = "precision"

    def resembles(
        self, expectation: Expectation, seen: Outcome, suspected: Outcome
    ) -> Mapping[str, bool]:
        """Rounding is noise: also alike are two answers whose errors are of one size."""
        alike = dict(super().resembles(expectation, seen, suspected))
        for output, a in seen.findings.items():
            b = suspected.findings[output]
            both = a.problem == b.problem == "value"
            sizes = [f.evidence["excess"] for f in (a, b) if both and "excess" in f.evidence]
            if len(sizes) == 2 and 0.1 < sizes[0] / sizes[1] < 10:  # integers have none
                alike[output] = True
            if a.passed and b.passed:
                alike[output] = True
        return alike


def values(
    function: Callable[..., Any], cases: Iterable[Case], points: Mapping[str, float], name: str = ""
) -> ValueCheck:
    """Check returned values, and arguments updated in place, in float64.

    Args:
        points: per output; returned values in the order they are returned, and any parameter of
            the function that it must update in place under the parameter's name.
        name: what the report calls the check; the function's name by default.
    """
    return ValueCheck(function, tuple(cases), dict(points), name or function.__name__)


def gradients(
    function: Callable[..., Any], cases: Iterable[Case], points: Mapping[str, float], name: str = ""
) -> GradientCheck:
    """Check the gradients that a backward returns, in float64, each with points of its own."""
    return GradientCheck(function, tuple(cases), dict(points), name or function.__name__)


def precision(
    function: Callable[..., Any],
    cases: Iterable[Case],
    points: Mapping[str, float],
    name: str = "",
    dtype: torch.dtype = torch.float32,
) -> PrecisionCheck:
    """Check the same outputs at lower precision, float32 by default."""
    name = name or f"{function.__name__} in {str(dtype).removeprefix('torch.')}"
    return PrecisionCheck(function, tuple(cases), dict(points), name, dtype)
