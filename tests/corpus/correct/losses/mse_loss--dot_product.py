"""The sum of squares as a dot product."""

import torch


def mse_loss(input, target, reduction="mean"):
    if list(input.shape) != list(target.shape):
        raise ValueError("different shapes")
    d = torch.sub(input, target)
    if reduction == "none":
        return torch.mul(d, d)
    flat = d.reshape(-1)
    total = torch.dot(flat, flat)
    return total.div(flat.numel()) if reduction == "mean" else total


def mse_loss_backward(grad_y, input, target, reduction="mean"):
    d = torch.sub(input, target)
    scale = torch.full_like(d, 2.0)
    if reduction == "mean":
        scale.div_(d.numel())
    return torch.einsum("...,...->...", scale * d, grad_y.expand(d.shape))
