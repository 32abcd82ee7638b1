"""Mean by mean over the dimensions; the backward spreads the upstream gradient back."""

import torch


def mse_loss(input, target, reduction="mean"):
    if input.shape != target.shape:
        raise ValueError("shapes")
    loss = (target - input).square()
    if reduction == "none":
        return loss
    while loss.dim():
        loss = loss.mean(-1) if reduction == "mean" else loss.sum(-1)
    return loss


def mse_loss_backward(grad_y, input, target, reduction="mean"):
    grad = grad_y
    if reduction != "none":
        for size in reversed(input.shape):
            grad = grad.unsqueeze(0).expand(size, *grad.shape)
            if reduction == "mean":
                grad = grad / size
    return -2 * grad * (target - input)
