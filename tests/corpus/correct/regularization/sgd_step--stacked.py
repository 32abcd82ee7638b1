"""The new weight as a linear combination of the two tensors."""

import torch


def sgd_step(weight, grad, lr, weight_decay=0.0):
    both = torch.stack((weight, grad), dim=-1)
    shares = torch.tensor([1 - lr * weight_decay, -lr], dtype=weight.dtype, device=weight.device)
    return both @ shares
