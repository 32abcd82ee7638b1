"""Phi(x) = erfc(-x / sqrt 2) / 2; tanh through a sigmoid."""

import math

import torch


def _inner(x):
    return math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x)


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return x / (1 + torch.exp(-2 * _inner(x)))
    return x * torch.erfc(-x / math.sqrt(2)) / 2


def gelu_backward(grad_y, x, approximate="none"):
    if approximate == "tanh":
        s = 1 / (1 + torch.exp(-2 * _inner(x)))
        slope = math.sqrt(2 / math.pi) * (1 + 0.134145 * x * x)
        return grad_y * (s + 2 * x * s * (1 - s) * slope)
    phi = torch.exp(-0.5 * x * x - 0.5 * math.log(2 * math.pi))
    return grad_y * torch.erfc(-x / math.sqrt(2)) / 2 + grad_y * x * phi
