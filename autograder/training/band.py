"""Where correct runs lie, as far as they differ by chance: the band of a prediction interval.

Of S correct runs with mean m and standard deviation s, one more lies within
m +- t * s * sqrt(1 + 1 / S) but for a probability of `alpha`, where t is the quantile of Student's
distribution with S - 1 degrees of freedom. Of several groups of runs, each with a mean of its own,
s is the pooled one, with S - 1 degrees of freedom per group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.training import extra


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
    """The band of one group of correct runs, (runs, places); see `bands_of`."""
    (band,) = bands_of(values[None], alpha, floor)
    return band


def bands_of(values: Tensor, alpha: float, floor: float = 0.0) -> tuple[Band, ...]:
    """The bands of groups of correct runs, such as those from one start each.

    Args:
        values: positive numbers, (groups, runs, places).
        alpha: the probability that a correct run of each group is outside anywhere.
        floor: the least standard deviation of a logarithm that is believed.
    """
    groups, runs, places = values.shape
    logs = values.log()
    mean = logs.mean(dim=1)
    spread = _spread(logs).clamp(min=floor)
    width = _quantile(alpha / (2 * groups * places), logs) * spread * math.sqrt(1 + 1 / runs)
    return tuple(Band(m, m - width, m + width) for m in mean)


def surplus_of(values: Tensor, alpha: float, floor: float = 0.0) -> float:
    """By how much the values of one more run of each group may exceed the means of their groups,
    on average over the groups: the paired comparison.

    Args:
        values: (groups, runs).
        alpha: the probability that correct runs exceed them by more.
        floor: the least standard deviation of a value that is believed.
    """
    groups, runs = values.shape
    spread = max(float(_spread(values[..., None])), floor)
    quantile = _quantile(alpha, values)
    return quantile * spread * math.sqrt((1 + 1 / runs) / groups)


def _spread(values: Tensor) -> Tensor:
    """The pooled standard deviation, (places,)."""
    return values.var(dim=1).mean(dim=0).sqrt()


def _quantile(alpha: float, values: Tensor) -> float:
    extra.require()
    from scipy.stats import t  # here, because it takes a second to import

    groups, runs = values.shape[:2]
    return float(t.ppf(1 - alpha, groups * (runs - 1)))


def smoothed(losses: Tensor, window: int = 20) -> Tensor:
    """The geometric mean of each loss, (..., steps), and those before it, at most `window`."""
    total = losses.log().cumsum(dim=-1)
    before = torch.nn.functional.pad(total, (window, 0))[..., : total.shape[-1]]
    counts = torch.arange(1, total.shape[-1] + 1).clamp(max=window)
    return ((total - before) / counts).exp()
