"""The parts above and below the target apart; one half for the derivative at the kink."""

import torch


def l1_loss(input, target, reduction="mean"):
    if input.shape != target.shape:
        raise ValueError("input and target must have the same shape")
    d = (input - target).double()
    loss = (d.clamp(min=0) + (-d).clamp(min=0)).to(input.dtype)
    if reduction == "none":
        return loss
    total = loss.flatten().double().cumsum(0)[-1]
    return (total / input.numel() if reduction == "mean" else total).to(input.dtype)


def l1_loss_backward(grad_y, input, target, reduction="mean"):
    factor = 1.0 / input.numel() if reduction == "mean" else 1.0
    grad = torch.full_like(input, 0.5 * factor)
    grad = grad.masked_fill(input > target, factor).masked_fill(input < target, -factor)
    return grad.mul(grad_y)
