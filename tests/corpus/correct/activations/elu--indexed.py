"""Only negative elements are touched; the backward from the output, y + alpha."""

import torch


def elu(x, alpha=1.0):
    y = x.clone(memory_format=torch.contiguous_format)
    below = x < 0
    y[below] = torch.special.expm1(x[below]) * alpha
    return y


def elu_backward(grad_y, x, alpha=1.0):
    y = elu(x, alpha)
    grad_x = grad_y.clone()
    below = x < 0
    grad_x[below] *= y[below] + alpha
    return grad_x
