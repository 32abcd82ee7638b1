"""Normal numbers by Box and Muller from two uniforms, against the normal quantile of p; the mask
drawn with the channels first and transposed."""

import math

import torch


def dropout2d(x, p=0.5, training=True, generator=None):
    if p < 0.0 or p > 1.0:
        raise ValueError(p)
    n, c, _, _ = x.shape
    if not training or p == 0:
        return x * 1, torch.full((n, c, 1, 1), True, device=x.device)
    if p == 1:
        return x * 0, torch.full((n, c, 1, 1), False, device=x.device)
    u = torch.rand(2, c, n, generator=generator, dtype=torch.float64, device=x.device)
    z = torch.sqrt(-2 * torch.log1p(-u[0])) * torch.cos(2 * math.pi * u[1])
    quantile = torch.special.ndtri(torch.tensor(p, dtype=torch.float64)).item()
    mask = (z > quantile).t().reshape(n, c, 1, 1)
    return torch.stack([image * kept / (1 - p) for image, kept in zip(x, mask)]), mask
