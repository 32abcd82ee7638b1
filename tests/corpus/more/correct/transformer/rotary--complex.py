"""Turning is multiplying by a complex number."""

import torch


def rotary(x, positions, theta=10000.0):
    d = x.shape[-1]
    if d % 2 == 1:
        raise ValueError("odd")
    k = torch.arange(d // 2, dtype=torch.float64, device=x.device)
    angles = positions.double().outer(theta ** (-2 * k / d))
    turn = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.view_as_complex(x.double().reshape(*x.shape[:-1], d // 2, 2).contiguous())
    return torch.view_as_real(pairs * turn).reshape(x.shape).to(x.dtype)
