"""A copy, changed where x is negative."""

import torch


def leaky_relu(x, negative_slope=0.01):
    y = x.clone(memory_format=torch.contiguous_format)
    y[x < 0] *= negative_slope
    return y


def leaky_relu_backward(grad_y, x, negative_slope=0.01):
    grad_x = grad_y.clone()
    grad_x[x <= 0] *= negative_slope
    return grad_x
