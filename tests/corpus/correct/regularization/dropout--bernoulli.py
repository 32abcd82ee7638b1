"""The mask from torch.bernoulli, applied by multiplying."""

import torch


def dropout(x, p=0.5, training=True, generator=None):
    if p < 0 or p > 1:
        raise ValueError("p must lie between 0 and 1")
    if not training or p == 0:
        return x.clone(), torch.ones(x.shape, dtype=torch.bool, device=x.device)
    if p == 1:
        return torch.zeros_like(x), torch.zeros(x.shape, dtype=torch.bool, device=x.device)
    keep = torch.full(x.shape, 1 - p, dtype=torch.float64, device=x.device)
    mask = torch.bernoulli(keep, generator=generator)
    return (x * mask / (1 - p)).to(x.dtype), mask.bool()


def dropout_backward(grad_y, mask, p=0.5, training=True):
    if not training:
        return grad_y.clone()
    if p == 1:
        return torch.zeros_like(grad_y)
    return grad_y * mask.to(grad_y.dtype) / (1 - p)
