"""torch.special.ndtr for Phi, in float64; the rest in one expression each."""

import math

import torch


def gelu(x, approximate="none"):
    z = x.double()
    if approximate == "none":
        y = z * torch.special.ndtr(z)
    else:
        y = 0.5 * z + 0.5 * z * torch.tanh((z + 0.044715 * z.pow(3)) * math.sqrt(2.0 / math.pi))
    return y.to(x.dtype)


def gelu_backward(grad_y, x, approximate="none"):
    z = x.double()
    if approximate == "none":
        d = torch.special.ndtr(z) + z * (1 / math.sqrt(2 * math.pi)) * torch.exp(-z.square() / 2)
    else:
        k = math.sqrt(2.0 / math.pi)
        t = torch.tanh(k * z + k * 0.044715 * z.pow(3))
        d = 0.5 + 0.5 * t + 0.5 * z * (1 + t) * (1 - t) * (k + 3 * k * 0.044715 * z * z)
    return (grad_y.double() * d).to(x.dtype)
