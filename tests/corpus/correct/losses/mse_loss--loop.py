"""Row by row, running totals."""

import torch


def mse_loss(input, target, reduction="mean"):
    if input.shape != target.shape:
        raise ValueError("shapes differ")
    if reduction == "none":
        return torch.stack([(a - b) * (a - b) for a, b in zip(input, target)])
    total = 0.0
    for a, b in zip(input.flatten(), target.flatten()):
        total = total + (a - b) ** 2
    return total / input.numel() if reduction == "mean" else total


def mse_loss_backward(grad_y, input, target, reduction="mean"):
    grad = torch.empty(input.shape, dtype=input.dtype, device=input.device)
    for i in range(len(input)):
        upstream = grad_y[i] if reduction == "none" else grad_y
        grad[i] = 2 * upstream * (input[i] - target[i])
    if reduction == "mean":
        grad /= input.numel()
    return grad
