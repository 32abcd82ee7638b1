"""What the reference gives in a training run, kept so that submissions can be held against it.

The reference trains once per course, and what it gave is kept as sketches. `judge` holds a
submission's run against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.judging.local import LocalSession
from autograder.numerics.expectation import call_in_precision
from autograder.training import chance
from autograder.training.alone import error_rate, loss_of, off_by_rounding
from autograder.training.program import Program
from autograder.training.sketch import Sketcher, Track, distance, norm

# How far a correct run may be from the reference, over size and sensitivity. In float64 correct
# runs stay within 1e-14 of that for hundreds of steps (and their losses, at this limit, within the
# relative 1e-9), while the smallest known bug is at 4e-7. In float32 they stay within 6e-6 for ten
# steps, before rounding first flips a ReLU.
ALLOWED = {torch.float64: 1e-11, torch.float32: 1e-5}
FLOAT32_STEPS = 5

# By how much the reference's second run is off, to measure what rounding may do to each tensor.
JITTER = 2.0**-44


@dataclass(frozen=True)
class Trace:
    """What the reference gave in a run: all that is worth keeping of it."""

    tracks: tuple[tuple[Track, ...], ...]  # per call, per output
    losses: tuple[float, ...]
    error_rate: float | None  # on the hidden images
    chance: chance.Chance | None  # in lower precision, where it has a say after a few steps


@dataclass(frozen=True)
class Lockstep:
    """A run, and what the reference gave in it.

    `starts` is what a submission goes through: the run that is compared call by call, and in lower
    precision the same run from other starts, of which only the losses and the error rate count.
    """

    title: str
    starts: tuple[Program, ...]
    trace: Trace
    sketcher: Sketcher
    reference: LocalSession
    dtype: torch.dtype

    @property
    def program(self) -> Program:
        return self.starts[0]

    @property
    def compared(self) -> int:
        """How many steps are held against the reference's."""
        return self.program.steps if self.dtype == torch.float64 else FLOAT32_STEPS

    def stage(self, call: int) -> str:
        """What begins with the call of that number, counted over all starts, or nothing."""
        for number, program in enumerate(self.starts, 1):
            if call < len(program.operations):
                stage = program.stage(call)
                several = len(self.starts) > 1 and stage
                return f"start {number} of {len(self.starts)}, {stage}" if several else stage
            call -= len(program.operations)
        return ""


def follow(
    starts: Sequence[Program], reference: LocalSession, dtype: torch.dtype, sketcher: Sketcher
) -> Trace:
    """Train the reference twice, once off by rounding, and keep what it gave."""
    program = starts[0]
    exact = [call_in_precision(call, torch.float64) for call in program.calls]
    tracks: list[tuple[Track, ...]] = []
    losses: list[float] = []
    wrong: float | None = None
    runs = zip(
        program.operations,
        reference.run(exact),
        off_by_rounding(exact, reference, JITTER),
        strict=True,
    )
    for at, (operation, answer, moved) in enumerate(runs):
        given, close = operation.values(answer), operation.values(moved)
        tracks.append(
            tuple(_track(a, b, sketcher, dtype) for a, b in zip(given, close, strict=True))
        )
        if at in program.losses:
            losses.append(loss_of(answer))
        if at == program.predictions:
            wrong = error_rate(answer, program)
    by_chance = None if dtype == torch.float64 else chance.measure(starts, reference, dtype)
    return Trace(tuple(tracks), tuple(losses), wrong, by_chance)


def _track(value: Any, moved: Any, sketcher: Sketcher, dtype: torch.dtype) -> Track:
    projections = sketcher.sketch(value)
    if not isinstance(value, Tensor):
        return Track(None, None, projections, ALLOWED[dtype] * abs(value))
    if not value.is_floating_point():
        return Track(tuple(value.shape), value.dtype, projections, 0.0)
    sensitivity = distance(projections, sketcher.sketch(moved)) / JITTER
    allowed = ALLOWED[dtype] * (norm(value) + sensitivity)
    return Track(tuple(value.shape), dtype, projections, allowed)
