"""The positive and the negative part on their own; at zero the derivative of the right side."""

import torch


def leaky_relu(x, negative_slope=0.01):
    return x.clamp(min=0) + negative_slope * x.clamp(max=0)


def leaky_relu_backward(grad_y, x, negative_slope=0.01):
    mask = (x >= 0).to(x.dtype)
    return grad_y * mask + negative_slope * grad_y * (1 - mask)
