"""Number by number with the math module."""

import math

import torch

K = math.sqrt(2 / math.pi)


def _value(v, approximate):
    if approximate == "tanh":
        return 0.5 * v * (1 + math.tanh(K * (v + 0.044715 * v**3)))
    return 0.5 * v * (1 + math.erf(v / math.sqrt(2)))


def _slope(v, approximate):
    if approximate == "tanh":
        u = K * (v + 0.044715 * v**3)
        return 0.5 * (1 + math.tanh(u)) + 0.5 * v * K * (1 + 0.134145 * v**2) / math.cosh(u) ** 2
    return 0.5 * math.erfc(-v / math.sqrt(2)) + v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi)


def gelu(x, approximate="none"):
    values = [_value(v, approximate) for v in x.flatten().tolist()]
    return torch.tensor(values, dtype=x.dtype, device=x.device).view(x.shape)


def gelu_backward(grad_y, x, approximate="none"):
    values = [_slope(v, approximate) for v in x.flatten().tolist()]
    return grad_y * torch.tensor(values, dtype=x.dtype, device=x.device).view(x.shape)
