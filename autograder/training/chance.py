"""Where runs in low precision end up that differ by rounding only.

Rounding flips a ReLU sooner or later, and from then on two correct runs part. How far that carries
them depends on the start, so it is measured from several: other weights, other masks, another order
of the images. A submission trains from the same starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from autograder.judging.local import LocalSession
from autograder.numerics.expectation import call_in_precision
from autograder.numerics.tolerance import ROUNDOFF
from autograder.training.alone import error_rate, loss_of, off_by_rounding
from autograder.training.band import Band, bands_of, smoothed, surplus_of
from autograder.training.program import Program

STARTS = 5
RUNS = 4  # of the reference, from each start
ALPHA = 1e-6
FLOOR = 1e-3  # of the relative deviation of a loss


@dataclass(frozen=True)
class Chance:
    """What is left to chance.

    Attributes:
        bands: of the smoothed losses, per start.
        losses: the usual ones, per start.
        error_rate: the usual one on the hidden images, over all starts.
        worst_error_rate: what the mean over all starts comes to at most.
    """

    bands: tuple[Band, ...]
    losses: tuple[tuple[float, ...], ...]
    error_rate: float
    worst_error_rate: float


def measure(starts: Sequence[Program], reference: LocalSession, dtype: torch.dtype) -> Chance:
    """Train the reference several times from each start, each time off by rounding."""
    losses: list[list[float]] = []
    errors: list[float] = []
    for program in starts:
        calls = [call_in_precision(call, dtype) for call in program.calls]
        for run in range(RUNS):
            losses.append([])
            for at, answer in enumerate(off_by_rounding(calls, reference, ROUNDOFF[dtype], run)):
                if at in program.losses:
                    losses[-1].append(loss_of(answer))
                if at == program.predictions:
                    errors.append(error_rate(answer, program) or 0.0)
    of_starts = torch.tensor(losses, dtype=torch.float64).reshape(len(starts), RUNS, -1)
    rates = torch.tensor(errors, dtype=torch.float64).reshape(len(starts), RUNS)
    image = 1 / len(starts[0].targets)
    usual = float(rates.mean())
    return Chance(
        bands_of(smoothed(of_starts), ALPHA, FLOOR),
        tuple(tuple(mean.tolist()) for mean in of_starts.log().mean(dim=1).exp()),
        usual,
        usual + surplus_of(rates, ALPHA, floor=image),
    )
