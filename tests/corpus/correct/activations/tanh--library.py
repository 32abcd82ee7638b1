"""The tensor's own tanh; the derivative as 1 / cosh^2 of clamped numbers."""

import torch


def tanh(x):
    return x.tanh()


def tanh_backward(grad_y, x):
    limit = 40.0 if x.dtype == torch.float32 else 300.0
    c = torch.cosh(x.clamp(-limit, limit))
    return grad_y / c / c
