"""In place on copies, as PyTorch's own loop does it."""

import torch


def sgd_step(weight, grad, lr, weight_decay=0.0):
    direction = torch.clone(grad)
    if weight_decay != 0:
        direction.add_(weight, alpha=weight_decay)
    new = weight.clone()
    new.add_(direction, alpha=-lr)
    return new
