"""What the reference gives in a training run, kept so that submissions can be held against it.

The reference trains once per course, and what it gave is kept as sketches. `judge` holds a
submission's run against them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.judging.call import Answer, Call, Results
from autograder.judging.local import LocalSession
from autograder.tolerance import ROUNDOFF, jittered
from autograder.training.alone import error_rate, loss_of
from autograder.training.band import Band, band_of, smoothed
from autograder.training.program import Program
from autograder.training.sketch import Sketcher, Track, distance, norm
from autograder.truth import call_in_precision

# How far a correct run may be from the reference, over size and sensitivity. In float64 correct
# runs stay within 1e-14 of that for hundreds of steps (and their losses, at this limit, within the
# relative 1e-9), while the smallest known bug is at 4e-7. In float32 they stay within 6e-6 for ten
# steps, before rounding first flips a ReLU.
ALLOWED = {torch.float64: 1e-11, torch.float32: 1e-5}
FLOAT32_STEPS = 5

# By how much the reference's second run is off, to measure what rounding may do to each tensor.
JITTER = 2.0**-44

# In lower precision: so many runs that differ by rounding make the band in which losses must lie,
# once they are too far from the start to be compared one by one.
CHANCES = 8
BAND_ALPHA = 1e-6
BAND_FLOOR = 1e-3


@dataclass(frozen=True)
class Lockstep:
    """What the reference gave for a program."""

    title: str
    program: Program
    tracks: tuple[tuple[Track, ...], ...]  # per call, per output
    sketcher: Sketcher
    reference: LocalSession
    losses: tuple[float, ...]
    error_rate: float | None  # on the hidden images
    dtype: torch.dtype
    band: Band | None = None  # of the smoothed losses after the steps that are compared
    worst_error_rate: float = 1.0  # that a correct run may come to

    @property
    def compared(self) -> int:
        """How many steps are held against the reference's."""
        return self.program.steps if self.dtype == torch.float64 else FLOAT32_STEPS


def follow(
    title: str, program: Program, reference: LocalSession, dtype: torch.dtype, seed: int
) -> Lockstep:
    """Train the reference twice, once off by rounding, and keep what it gave."""
    sketcher = Sketcher(seed)
    exact = [call_in_precision(call, torch.float64) for call in program.calls]
    tracks: list[tuple[Track, ...]] = []
    losses: list[float] = []
    wrong: float | None = None
    runs = zip(program.operations, reference.run(exact), _jittered(exact, reference), strict=True)
    for at, (operation, answer, moved) in enumerate(runs):
        given, close = operation.values(answer), operation.values(moved)
        tracks.append(
            tuple(_track(a, b, sketcher, dtype) for a, b in zip(given, close, strict=True))
        )
        if at in program.losses:
            losses.append(loss_of(answer))
        if at == program.predictions:
            wrong = error_rate(answer, program)
    band, worst = (None, 1.0) if dtype == torch.float64 else _chance(program, reference, dtype)
    return Lockstep(
        title, program, tuple(tracks), sketcher, reference, tuple(losses), wrong, dtype, band, worst
    )


def _chance(program: Program, reference: LocalSession, dtype: torch.dtype) -> tuple[Band, float]:
    """Where runs in this precision end up that differ by rounding only, from the same start."""
    calls = [call_in_precision(call, dtype) for call in program.calls]
    losses: list[list[float]] = []
    errors = []
    for run in range(CHANCES):
        losses.append([])
        for at, answer in enumerate(_jittered(calls, reference, ROUNDOFF[dtype], run)):
            if at in program.losses:
                losses[-1].append(loss_of(answer))
            if at == program.predictions:
                errors.append([error_rate(answer, program) or 0.0])
    band = band_of(smoothed(torch.tensor(losses, dtype=torch.float64)), BAND_ALPHA, BAND_FLOOR)
    one = 1 / len(program.targets)  # an error rate of 0 has no logarithm
    worst = band_of(torch.tensor(errors, dtype=torch.float64) + one, BAND_ALPHA)
    return band, float(worst.high.exp()) + one


def _jittered(
    calls: Sequence[Call], reference: LocalSession, step: float = JITTER, run: int = 0
) -> Iterator[Answer]:
    results = Results(calls)
    for at, call in enumerate(calls):
        resolved = results.resolve(call)
        assert resolved is not None  # noqa: S101 - the reference's own values
        answer = reference.call(jittered(resolved, at + run * len(calls), step))
        results.add(answer)
        yield answer


def _track(value: Any, moved: Any, sketcher: Sketcher, dtype: torch.dtype) -> Track:
    projections = sketcher.sketch(value)
    if not isinstance(value, Tensor):
        return Track(None, None, projections, ALLOWED[dtype] * abs(value))
    if not value.is_floating_point():
        return Track(tuple(value.shape), value.dtype, projections, 0.0)
    sensitivity = distance(projections, sketcher.sketch(moved)) / JITTER
    allowed = ALLOWED[dtype] * (norm(value) + sensitivity)
    return Track(tuple(value.shape), dtype, projections, allowed)
