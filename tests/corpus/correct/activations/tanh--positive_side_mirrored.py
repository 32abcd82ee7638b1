"""For |x| with growing exponentials cut off, then the sign copied."""

import torch


def tanh(x):
    a = x.abs().double().clamp(max=300.0)
    e = torch.expm1(2 * a)
    return torch.copysign((e / (e + 2)).to(x.dtype), x)


def tanh_backward(grad_y, x):
    y = tanh(x.double())
    return ((1 - y) * (1 + y) * grad_y.double()).to(x.dtype)
