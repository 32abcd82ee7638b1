"""Normal numbers against the normal quantile of p; dropped elements filled in place on a copy."""

import math

import torch


def dropout(x, p=0.5, training=True, generator=None):
    if not (0.0 <= p <= 1.0):
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    y = x.clone()
    if not training:
        return y, torch.full_like(y, True, dtype=torch.bool)
    z = torch.empty(x.shape, dtype=torch.float64, device=x.device).normal_(generator=generator)
    uniform = 0.5 * (1 + torch.erf(z / math.sqrt(2)))
    mask = (uniform < 1 - p) if p > 0 else torch.ones_like(uniform, dtype=torch.bool)
    y.masked_fill_(~mask, 0.0)
    if p < 1:
        y /= 1 - p
    return y, mask


def dropout_backward(grad_y, mask, p=0.5, training=True):
    grad_x = grad_y.clone(memory_format=torch.contiguous_format)
    if training:
        grad_x.masked_fill_(~mask, 0)
        if p < 1:
            grad_x.div_(1.0 - p)
    return grad_x
