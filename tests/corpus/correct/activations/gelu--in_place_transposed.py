"""In place on copies with the axes reversed."""

import math

import torch


def _reversed(t):
    return t.permute(list(range(t.dim()))[::-1])


def gelu(x, approximate="none"):
    z = _reversed(x).clone()
    if approximate == "tanh":
        gate = z.pow(3).mul_(0.044715).add_(z).mul_(math.sqrt(2 / math.pi)).tanh_()
    else:
        gate = z.mul(1 / math.sqrt(2)).erf_()
    return _reversed(gate.add_(1).mul_(z).mul_(0.5))


def gelu_backward(grad_y, x, approximate="none"):
    if approximate == "tanh":
        inner = x.pow(2).mul_(0.044715).add_(1).mul_(x).mul_(math.sqrt(2 / math.pi))
        t = inner.tanh_()
        d = x.square().mul_(0.134145).add_(1).mul_(math.sqrt(2 / math.pi))
        d.mul_(1 - t.square()).mul_(x).add_(t).add_(1)
    else:
        d = x.square().mul_(-0.5).exp_().mul_(x).mul_(math.sqrt(2 / math.pi))
        d.add_(torch.erf(x / math.sqrt(2))).add_(1)
    return _reversed(_reversed(d.mul_(grad_y)).clone()).div_(2)
