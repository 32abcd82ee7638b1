"""Element by element in Python numbers."""

import torch


def piece(d, beta):
    d = abs(d)
    return d * d / 2 / beta if d < beta else d - beta / 2


def slope(d, beta):
    return d / beta if -beta < d < beta else (1.0 if d > 0 else -1.0)


def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    if input.shape != target.shape:
        raise ValueError("input and target must have the same shape")
    if beta < 0:
        raise ValueError("beta must be at least 0")
    pairs = zip(input.flatten().tolist(), target.flatten().tolist())
    losses = [piece(a - b, beta) for a, b in pairs]
    if reduction == "none":
        return torch.tensor(losses, dtype=input.dtype, device=input.device).view(input.shape)
    total = sum(losses)
    if reduction == "mean":
        total /= len(losses)
    return torch.tensor(total, dtype=input.dtype, device=input.device)


def smooth_l1_loss_backward(grad_y, input, target, reduction="mean", beta=1.0):
    pairs = zip(input.flatten().tolist(), target.flatten().tolist())
    slopes = [slope(a - b, beta) for a, b in pairs]
    slopes = torch.tensor(slopes, dtype=input.dtype, device=input.device).view(input.shape)
    if reduction == "mean":
        return slopes * (grad_y / input.numel())
    return slopes * grad_y
