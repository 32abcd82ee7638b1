"""|a - b| = max(a, b) - min(a, b); the slope as the difference of two masks."""

import torch


def l1_loss(input, target, reduction="mean"):
    if input.size() != target.size():
        raise ValueError(f"{input.size()} is not {target.size()}")
    loss = torch.maximum(input, target) - torch.minimum(input, target)
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]


def l1_loss_backward(grad_y, input, target, reduction="mean"):
    slope = (input > target).to(input.dtype) - (input < target).to(input.dtype)
    if reduction == "mean":
        slope /= slope.numel()
    return slope * grad_y
