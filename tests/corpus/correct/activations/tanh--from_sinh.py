"""sinh / cosh where both are moderate, +-1 elsewhere; columns first."""

import torch


def tanh(x):
    order = list(range(x.dim()))[::-1]
    z = x.permute(order)
    moderate = z.clamp(-20.0, 20.0)
    y = torch.where(z.abs() < 20, torch.sinh(moderate) / torch.cosh(moderate), torch.sign(z))
    return y.permute(order)


def tanh_backward(grad_y, x):
    s = 1 / (1 + torch.exp(2 * x.double()))
    return (4 * grad_y * (s * (1 - s))).to(x.dtype)
