"""(x + |x|) / 2; at zero half the gradient."""

import torch


def relu(x):
    return 0.5 * (x + torch.abs(x))


def relu_backward(grad_y, x):
    return grad_y * (1 + torch.sign(x)) / 2
