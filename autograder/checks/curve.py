"""Training runs: does a network trained through the submission's functions learn as it should?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, overload

import numpy as np
import torch

from autograder.case import Arguments, Case, draw
from autograder.checks.base import Check, Expectation, Keep, SeedSource
from autograder.checks.script import Script
from autograder.checks.values import ValueCheck
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call
from autograder.judging.local import LocalSession
from autograder.judging.script import ScriptExpectation
from autograder.numerics.outcome import Outcome
from autograder.report import YOURS
from autograder.training.chance import STARTS
from autograder.training.judge import judge
from autograder.training.lockstep import Lockstep, follow
from autograder.training.program import ROWS, joined
from autograder.training.run import Run
from autograder.training.sketch import Sketcher

MOST_RUNS = 8  # plots that a row of a report may have


@dataclass(frozen=True)
class CurveCheck(Check):
    """Every call of a whole training run must give what the reference gives."""

    kind: ClassVar[str] = "curve"
    long: ClassVar[bool] = True

    runs: tuple[Run, ...]
    points: Mapping[str, float]
    name: str
    dtype: torch.dtype = torch.float64
    cases: tuple[Case, ...] = field(init=False)

    updates: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "cases", tuple(run.case() for run in self.runs))
        self._validate()
        if len(self.runs) > MOST_RUNS:
            raise AuthoringError(f"{self.name}: a check of curves has at most {MOST_RUNS} runs")
        unknown = set(self.points) - set(ROWS)
        if unknown:
            raise AuthoringError(f"{self.name}: points are for {' and '.join(ROWS)}")

    @property
    def subject(self) -> str:
        return self.name

    @cached_property
    def needs(self) -> frozenset[str]:
        return frozenset().union(*(run.functions for run in self.runs))

    @property
    def long_runs(self) -> int:
        return self._cases_at_a_time * self._starts

    @property
    def _starts(self) -> int:
        return 1 if self.dtype == torch.float64 else STARTS

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Lockstep]:
        (run,) = (run for run in self.runs if run.name == case.name)
        starts = [run.program(arguments, reference.parameters, seeds, self.dtype)]
        for number in range(1, self._starts):

            def others(purpose: str, number: int = number) -> int:
                return seeds(f"{purpose}, start {number}")

            drawn = draw(case, lambda name: torch.Generator().manual_seed(others(name)))
            starts.append(run.program(drawn, reference.parameters, others, self.dtype))
        sketcher = Sketcher(seeds("projections"))
        trace = keep.run(lambda: follow(starts, reference, self.dtype, sketcher))
        lockstep = Lockstep(run.name, tuple(starts), trace, sketcher, reference, self.dtype)
        return joined(starts), lockstep

    def judge(
        self, expectation: Lockstep, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        return judge(expectation, answers)

    def stage(self, expectation: Lockstep, call: int) -> str:
        return expectation.stage(call)


@dataclass(frozen=True)
class ScriptCurveCheck(ValueCheck):
    """A training run that a script writes down, with objects of the submission's classes."""

    kind: ClassVar[str] = "curve"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scripted:
            raise AuthoringError(f"{self.name}: a curve takes runs, or a script and `cases=`")

    def judge(
        self, expectation: Expectation, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        outcome = super().judge(expectation, calls, answers)
        assert isinstance(expectation, ScriptExpectation)  # noqa: S101 - what `prepare` returns
        drawn = {o: self._drawn(expectation, o, outcome.answers) for o in expectation.outputs}
        return replace(outcome, curves={o: [one] for o, one in drawn.items() if one is not None})

    def _drawn(
        self, expectation: ScriptExpectation, output: str, answers: Sequence[Answer]
    ) -> dict[str, Any] | None:
        """The output over the steps, ours and theirs, if it is a number in each of several."""
        steps = expectation.steps(output)
        right = [_number(expectation.truths[name].value) for name in steps]
        if len(right) < 2 or None in right:
            return None
        yours: list[float] = []
        for name in steps:
            number = _number(answers[expectation.places[name]].value)
            if number is None:
                break
            yours.append(number)
        series: dict[str, list[Any]] = {"reference": right, YOURS: yours}
        return {
            "title": self.name,
            "x": "step",
            "y": output,
            "log": False,
            "series": [
                {"name": name, "x": list(range(1, len(y) + 1)), "y": y}
                for name, y in series.items()
            ],
            "band": None,
            "marks": [],
        }


def _number(value: Any) -> float | None:
    if isinstance(value, torch.Tensor | np.ndarray):
        return float(value) if math.prod(value.shape) == 1 else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


@overload
def curve(
    *runs: Run, points: Mapping[str, float], name: str = "", dtype: torch.dtype = torch.float64
) -> CurveCheck: ...


@overload
def curve(
    *script: Script,
    cases: Iterable[Case],
    points: Mapping[str, float],
    name: str = "",
    dtype: torch.dtype = torch.float64,
) -> ScriptCurveCheck: ...


def curve(
    *runs: Any,
    points: Mapping[str, float],
    cases: Iterable[Case] = (),
    name: str = "",
    dtype: torch.dtype = torch.float64,
) -> CurveCheck | ScriptCurveCheck:
    """Check training runs in lock-step with the reference.

    A class that trains is written down as a script, which yields the loss of every step under one
    name; it has `cases` as other scripts have, and points for what it yields.

    Args:
        points: for `training` (losses, gradients, parameters: all that a training run depends on)
            and for `evaluation` (running statistics, the network in evaluation mode, and the error
            rate on hidden images).
        dtype: in float32 only the first steps are compared call by call. The losses after them
            must lie in a band, from several starts, and so must their mean error rate.
    """
    if all(isinstance(run, Run) for run in runs):
        return CurveCheck(runs, dict(points), name or ", ".join(run.name for run in runs), dtype)
    if len(runs) != 1:
        raise AuthoringError("a curve takes runs, or one script and `cases=`")
    (script,) = runs
    return ScriptCurveCheck(script, tuple(cases), dict(points), name or script.__name__, dtype)
