"""Drawn with the axes reversed: results with unusual strides."""

import torch


def dropout(x, p=0.5, training=True, generator=None):
    if not 0 <= p <= 1:
        raise ValueError(p)
    order = list(range(x.dim()))[::-1]
    flipped = x.permute(order)
    noise = torch.empty(flipped.shape, device=x.device).uniform_(generator=generator)
    if training:
        kept = torch.floor(noise + (1 - p)) if p > 0 else torch.ones_like(noise)
        divisor = kept.mul(1 - p)
        y = torch.where(kept > 0, flipped / torch.where(kept > 0, divisor, 1.0).to(x.dtype), 0.0)
        return y.to(x.dtype).permute(order), (kept > 0).permute(order)
    return x * 1, torch.ones_like(noise, dtype=torch.bool).permute(order)


def dropout_backward(grad_y, mask, p=0.5, training=True):
    if not training:
        return grad_y * 1
    rows = [torch.where(m, g, torch.zeros_like(g)) for g, m in zip(grad_y, mask)]
    total = torch.stack(rows, dim=-1).movedim(-1, 0)
    return total if p == 1 else total / (1 - p)
