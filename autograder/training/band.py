"""Where correct runs lie, as far as they differ by chance: the band of a prediction interval.

Of S correct runs with mean m and standard deviation s, one more lies within
m +- t * s * sqrt(1 + 1 / S) but for a probability of `alpha`, where t is the quantile of Student's
distribution with S - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Band:
    """Limits of logarithms, place by place."""

    mean: Tensor
    low: Tensor
    high: Tensor

    def outside(self, at: int, value: float) -> bool:
        """Whether a number is where no correct run would be."""
        if not (math.isfinite(value) and value > 0):
            return True
        return not float(self.low[at]) <= math.log(value) <= float(self.high[at])

    def document(self, x: list[int]) -> dict[str, Any]:
        return {"x": x, "low": self.low.exp().tolist(), "high": self.high.exp().tolist()}


def band_of(values: Tensor, alpha: float, floor: float = 0.0) -> Band:
    """The band of correct runs.

    Args:
        values: positive numbers, one row per run, one column per place.
        alpha: the probability that a correct run is outside anywhere.
        floor: the least standard deviation of a logarithm that is believed.
    """
    from scipy.stats import t  # here, because it takes a second to import

    count, places = values.shape
    logs = values.log()
    mean, spread = logs.mean(dim=0), logs.std(dim=0).clamp(min=floor)
    quantile = float(t.ppf(1 - alpha / (2 * places), count - 1))
    width = quantile * spread * math.sqrt(1 + 1 / count)
    return Band(mean, mean - width, mean + width)


def smoothed(losses: Tensor, window: int = 20) -> Tensor:
    """The geometric mean of each loss, (..., steps), and those before it, at most `window`."""
    total = losses.log().cumsum(dim=-1)
    before = torch.nn.functional.pad(total, (window, 0))[..., : total.shape[-1]]
    counts = torch.arange(1, total.shape[-1] + 1).clamp(max=window)
    return ((total - before) / counts).exp()
