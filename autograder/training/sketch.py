"""Hold a whole training run against another without keeping either.

Of each tensor a few random projections are kept, and its size. The projections of two tensors
differ by normal numbers whose variance is the squared distance of the tensors, so a distance of d
stays unseen at a tolerance of t, over `PROJECTIONS` projections, with a probability of at most
(t / d) ** PROJECTIONS: below 1e-10 for the smallest known bug.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from autograder.judging.call import Value

PROJECTIONS = 4


class Sketcher:
    """Projects tensors on directions that follow from a seed and from the tensor's size."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._directions: dict[int, Tensor] = {}

    def sketch(self, value: Tensor | float) -> Tensor:
        """The projections, (PROJECTIONS,), in float64."""
        if not isinstance(value, Tensor):
            value = torch.tensor(value, dtype=torch.float64)
        flat = value.reshape(-1).to(torch.float64)
        if flat.numel() == 1:
            return flat.expand(PROJECTIONS)
        if flat.numel() not in self._directions:
            generator = torch.Generator().manual_seed(self._seed + flat.numel())
            size = (PROJECTIONS, flat.numel())
            self._directions[flat.numel()] = torch.randn(
                size, generator=generator, dtype=torch.float64
            )
        return self._directions[flat.numel()] @ flat


@dataclass(frozen=True)
class Track:
    """What the reference gave: type, projections, and how large a distance is allowed."""

    shape: tuple[int, ...] | None  # None: a number of Python
    dtype: torch.dtype | None
    projections: Tensor
    allowed: float

    def fits(self, value: Value) -> bool:
        """Whether a value has the type and the shape of what the reference gave."""
        if self.shape is None:
            return isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(value, Tensor):
            return False
        return tuple(value.shape) == self.shape and value.dtype == self.dtype

    def distance(self, value: Value, sketcher: Sketcher) -> float:
        """How far a value is from what is right, over what is allowed; infinite for one that does
        not fit, or with other numbers that are not finite."""
        if not self.fits(value):
            return math.inf
        assert isinstance(value, Tensor | int | float)  # noqa: S101 - it fits
        projections = sketcher.sketch(value)
        if torch.equal(projections, self.projections):
            return 0.0
        far = distance(projections, self.projections)
        return far / max(self.allowed, 1e-300) if math.isfinite(far) else math.inf


def distance(a: Tensor, b: Tensor) -> float:
    """An estimate of how far the tensors behind two sketches are apart."""
    return float((a - b).square().mean().sqrt())


def norm(value: Tensor | float) -> float:
    if not isinstance(value, Tensor):
        return abs(value)
    return float(torch.linalg.vector_norm(value.to(torch.float64)))


def near(value: Value, truth: Value, allowed: float) -> bool:
    """Whether a value is the truth, up to a distance of `allowed` times its size."""
    if isinstance(truth, Tensor):
        if not isinstance(value, Tensor) or value.shape != truth.shape:
            return False
        off = value.to(torch.float64) - truth.to(torch.float64)
        return norm(off) <= allowed * norm(truth)
    if not isinstance(value, int | float) or not isinstance(truth, int | float):
        return False
    return abs(value - truth) <= allowed * abs(truth)
