"""Where a tensor is wrong: a small picture of it, as data."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from .compare import greatest
from .finding import Finding

# At most so many numbers per axis, and so many rows and columns of the map.
LONGEST, SIDE = 32, 16
DIMENSIONS = 5
DECADES = 16


def located(finding: Finding) -> Finding:
    """The finding with `where` in its evidence, if it is about a tensor of several elements."""
    excess = finding.excess
    if excess is None or excess.numel() < 2 or excess.dim() > DIMENSIONS:
        return finding
    return replace(finding, evidence={**finding.evidence, "where": _where(excess)})


def _where(excess: Tensor) -> dict[str, Any]:
    """Shares of wrong elements along each axis, and the plane of the worst one.

    Args:
        excess: per element, how many times what is allowed it is off; wrong is what is over 1.

    Returns:
        shape: the tensor's.
        shares: per axis and index along it, the share of wrong elements, never rounded down to 0;
            an axis longer than `LONGEST` in that many bins.
        border: whether only the rim of the last two of four or more axes is wrong.
        at: which plane `map` shows: the indices of all axes but the last two.
        map: rows of that plane; 0 where it is right, else by how many decades it is off; a plane
            larger than `SIDE` pooled by its greatest.
    """
    wrong = excess > 1
    at = greatest(excess)[:-2]
    return {
        "shape": list(excess.shape),
        "shares": [_shares(wrong, axis) for axis in range(wrong.dim())],
        "border": _only_border(wrong),
        "at": at,
        "map": _map(excess[tuple(at)]),
    }


def _shares(wrong: Tensor, axis: int) -> list[float]:
    shares = wrong.movedim(axis, 0).reshape(wrong.shape[axis], -1).double().mean(1)
    if len(shares) > LONGEST:
        shares = F.adaptive_avg_pool1d(shares[None], LONGEST)[0]
    return [math.ceil(1000 * share) / 1000 for share in shares.tolist()]


def _only_border(wrong: Tensor) -> bool:
    if wrong.dim() < 4 or min(wrong.shape[-2:]) < 3:
        return False
    return not wrong[..., 1:-1, 1:-1].any()


def _map(plane: Tensor) -> list[list[int]]:
    plane = plane.reshape(1, -1) if plane.dim() == 1 else plane
    sides = [min(size, SIDE) for size in plane.shape]
    if plane.shape[0] == 1:
        sides[1] = min(plane.shape[1], LONGEST)
    if sides != list(plane.shape):
        plane = F.adaptive_max_pool2d(plane[None], sides)[0]
    decades = plane.clamp(min=1).log10().ceil().clamp(1, DECADES)
    rows: list[list[int]] = (decades * (plane > 1)).int().tolist()
    return rows
