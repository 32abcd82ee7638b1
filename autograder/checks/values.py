"""Deterministic answers: values, gradients, and the same at the student's precision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch

from autograder.case import Arguments, Case
from autograder.checks.base import Expectation, FunctionCheck, Keep, SeedSource, credited, listed
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Session
from autograder.judging.compare import Expected, ValueExpectation, compare, unchanged
from autograder.judging.local import LocalSession
from autograder.judging.script import ScriptExpectation
from autograder.numerics.expectation import Outputs, alike, expect_values, in_precision
from autograder.numerics.outcome import Outcome
from autograder.numerics.scripts import alike_scripts, expect_script


@dataclass(frozen=True)
class ValueCheck(FunctionCheck):
    """Answers must be the reference's, up to rounding."""

    kind: ClassVar[str] = "values"

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Expectation]:
        if not self.scripted:
            calls = self.calls(arguments, seeds)
            return calls, keep.expected(calls, lambda: self.expect(case, calls, reference))
        present = {name: in_precision(value, self.dtype) for name, value in arguments.items()}
        program = self.program(present, reference, seeds, self.points)
        expectation = expect_script(program.calls, program.outputs, present, reference, case.kinks)
        return program.calls, expectation

    def calls(self, arguments: Arguments, seeds: SeedSource) -> list[Call]:
        return [self.call(arguments, seeds("call"))]

    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> ValueExpectation:
        (call,) = calls
        if not self._outputs.returns:
            self._refuse_unjudged(call, reference.call(call))
        return expect_values(call, self._outputs, reference, case.kinks)

    def _refuse_unjudged(self, call: Call, answer: Answer) -> None:
        """Raises AuthoringError where points under a parameter's name are meant for a result."""
        returned = [answer.value, *(call.arguments.get(name) for name in self._outputs.updates)]
        nothing = any(compare("", Expected(returned[0]), given).passed for given in returned[1:])
        if answer.value is None or nothing or not unchanged([call], [answer], ()).passed:
            return
        name = self._outputs.updates[0]
        raise AuthoringError(
            f"there are points for {name}, a parameter that the solution does not change, and none "
            f"for what it returns: call that something else, such as new_{name}"
        )

    def resembles(
        self, expectation: Expectation, seen: Outcome, suspected: Outcome
    ) -> Mapping[str, bool]:
        """Alike are two wrong answers that agree as closely as a right one must with the truth."""
        if isinstance(expectation, ScriptExpectation):
            return alike_scripts(expectation, seen.answers, suspected.answers)
        if not isinstance(expectation, ValueExpectation):  # of what is looked at again
            return super().resembles(expectation, seen, suspected)
        (ours,), (theirs,) = seen.answers, suspected.answers
        if ours.failure is not None or theirs.failure is not None:
            return super().resembles(expectation, seen, suspected)
        return alike(expectation, self._outputs, ours, theirs)

    @cached_property
    def _outputs(self) -> Outputs:
        """What `points` names: first what is returned."""
        returns = tuple(name for name in self.points if name not in self.updates)
        return Outputs(returns, tuple(name for name in self.points if name in self.updates))


@dataclass(frozen=True)
class GradientCheck(ValueCheck):
    """Each gradient is judged, and credited, on its own.

    `unverified` is why no finite difference can show that the solution's gradients are right.
    """

    kind: ClassVar[str] = "gradients"
    unverified: str = ""


@dataclass(frozen=True)
class PrecisionCheck(ValueCheck):
    """The same at the precision that is used in practice: no more error than the problem's
    conditioning explains."""

    kind: ClassVar[str] = "precision"

    def same(self, expectation: Expectation, seen: Outcome, other: Outcome) -> Mapping[str, bool]:
        return super().resembles(expectation, seen, other)

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
    name = name or function.__name__
    return ValueCheck(function, listed(cases, name), credited(points, name), name)


def gradients(
    function: Callable[..., Any],
    cases: Iterable[Case],
    points: Mapping[str, float],
    name: str = "",
    unverified: str = "",
) -> GradientCheck:
    """Check the gradients that a backward returns, in float64, each with points of its own.

    Args:
        unverified: the audit holds the solution's gradients against finite differences of the
            exercise's first function; where that cannot be, the reason why.
    """
    name = name or function.__name__
    return GradientCheck(
        function, listed(cases, name), credited(points, name), name, unverified=unverified
    )


def precision(
    function: Callable[..., Any],
    cases: Iterable[Case],
    points: Mapping[str, float],
    name: str = "",
    dtype: torch.dtype = torch.float32,
) -> PrecisionCheck:
    """Check the same outputs at lower precision, float32 by default."""
    name = name or f"{function.__name__} in {str(dtype).removeprefix('torch.')}"
    return PrecisionCheck(function, listed(cases, name), credited(points, name), name, dtype)
