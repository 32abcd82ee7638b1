"""By way of the Euclidean norm, in float64."""

import torch


def mse_loss(input, target, reduction="mean"):
    if input.shape != target.shape:
        raise ValueError("input and target must have the same shape")
    d = input.double() - target.double()
    if reduction == "none":
        loss = torch.pow(d.abs(), 2)
    else:
        loss = torch.sqrt((d * d).sum()) ** 2
        loss = loss / d.numel() if reduction == "mean" else loss
    return loss.to(input.dtype)


def mse_loss_backward(grad_y, input, target, reduction="mean"):
    d = input.double() - target.double()
    count = d.numel() if reduction == "mean" else 1
    return ((d + d) / count * grad_y.double()).to(input.dtype)
