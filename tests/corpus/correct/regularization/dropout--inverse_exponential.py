"""Exponential waiting times (inverse CDF of a uniform): kept when it takes longer than -log(1-p)."""

import math

import torch


def dropout(x, p=0.5, training=True, generator=None):
    if p > 1 or p < 0:
        raise ValueError("p has to be in [0, 1]")
    if training:
        u = torch.rand(x.numel(), generator=generator, dtype=torch.float64, device=x.device)
        waiting = -torch.log1p(-u)
        limit = -math.log1p(-p) if p < 1 else math.inf
        mask = (waiting >= limit).reshape(x.shape)
        factor = mask.double() / max(1 - p, 1e-300)
    else:
        mask = x == x
        mask = mask | ~mask
        factor = torch.ones_like(x, dtype=torch.float64)
    y = torch.einsum("...,...->...", x.double(), factor)
    return y.to(x.dtype), mask


def dropout_backward(grad_y, mask, p=0.5, training=True):
    kept = mask.double()
    factor = kept / kept.clamp(min=1).mul(1 - p).clamp(min=1e-300) if training else kept
    return (grad_y.double() * factor).to(grad_y.dtype)
