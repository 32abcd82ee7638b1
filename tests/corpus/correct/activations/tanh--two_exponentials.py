"""expm1 by the side of zero on which it is small; a loop over the two sides."""

import torch


def tanh(x):
    y = torch.zeros_like(x)
    for sign in (1, -1):
        side = x * sign > 0
        e = torch.expm1(-2 * sign * x[side])
        y[side] = -sign * e / (2 + e)
    return y


def tanh_backward(grad_y, x):
    y = tanh(x)
    return grad_y - grad_y * y * y
