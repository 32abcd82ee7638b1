"""Number by number, in Python's own floats."""

import torch


def sgd_step(weight, grad, lr, weight_decay=0.0):
    pairs = zip(weight.flatten().tolist(), grad.flatten().tolist())
    moved = [w - lr * g - lr * weight_decay * w for w, g in pairs]
    return torch.tensor(moved, dtype=weight.dtype, device=weight.device).reshape(weight.shape)
