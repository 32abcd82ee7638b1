"""The angle of two normal numbers is uniform: kept when it lies beyond a share p of the circle."""

import math

import torch


def dropout2d(x, p=0.5, training=True, generator=None):
    if not (0.0 <= p <= 1.0):
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    y = x.clone()
    mask = torch.ones(x.shape[0], x.shape[1], 1, 1, dtype=torch.bool, device=x.device)
    if training and p > 0:
        pairs = torch.randn(
            *mask.shape, 2, generator=generator, dtype=torch.float64, device=x.device
        )
        turn = torch.atan2(pairs[..., 0], pairs[..., 1]) / (2 * math.pi) + 0.5
        mask = (turn > p) & (p < 1)
        y.masked_fill_(~mask, 0.0)
        y /= max(1 - p, 1e-30)
    return y, mask
