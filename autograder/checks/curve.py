"""Training runs: does a network trained through the submission's functions learn as it should?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import torch

from autograder.case import Arguments, Case, draw
from autograder.checks.base import Check, Keep, SeedSource
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call
from autograder.judging.local import LocalSession
from autograder.numerics.outcome import Outcome
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
        return len(self.cases) * self._starts

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
        trace = keep(lambda: follow(starts, reference, self.dtype, sketcher))
        lockstep = Lockstep(run.name, tuple(starts), trace, sketcher, reference, self.dtype)
        return joined(starts), lockstep

    def judge(
        self, expectation: Lockstep, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        return judge(expectation, answers)

    def stage(self, expectation: Lockstep, call: int) -> str:
        return expectation.stage(call)


def curve(
    *runs: Run, points: Mapping[str, float], name: str = "", dtype: torch.dtype = torch.float64
) -> CurveCheck:
    """Check training runs in lock-step with the reference.

    Args:
        points: for `training` (losses, gradients, parameters: all that a training run depends on)
            and for `evaluation` (running statistics, the network in evaluation mode, and the error
            rate on hidden images).
        dtype: in float32 only the first steps are compared call by call. The losses after them
            must lie in a band, from several starts, and so must their mean error rate.
    """
    return CurveCheck(runs, dict(points), name or ", ".join(run.name for run in runs), dtype)
