"""With absolute values; half way between the two derivatives at zero."""

import torch


def leaky_relu(x, negative_slope=0.01):
    a = negative_slope
    return (1 + a) / 2 * x + (1 - a) / 2 * x.abs()


def leaky_relu_backward(grad_y, x, negative_slope=0.01):
    a = negative_slope
    return grad_y * ((1 + a) / 2 + (1 - a) / 2 * torch.sign(x))
