"""Element by element in Python numbers."""

import torch


def l1_loss(input, target, reduction="mean"):
    if tuple(input.shape) != tuple(target.shape):
        raise ValueError("shapes differ")
    losses = [abs(a - b) for a, b in zip(input.flatten().tolist(), target.flatten().tolist())]
    if reduction == "none":
        return torch.tensor(losses, dtype=input.dtype, device=input.device).reshape(input.shape)
    total = sum(losses) / (len(losses) if reduction == "mean" else 1)
    return torch.tensor(total, dtype=input.dtype, device=input.device)


def l1_loss_backward(grad_y, input, target, reduction="mean"):
    grad = torch.zeros(input.shape, dtype=input.dtype, device=input.device)
    for at in torch.cartesian_prod(*(torch.arange(s) for s in input.shape)).reshape(
        input.numel(), -1
    ):
        i = tuple(at.tolist())
        g = grad_y[i] if reduction == "none" else grad_y
        grad[i] = g if input[i] >= target[i] else -g
    return grad / input.numel() if reduction == "mean" else grad
