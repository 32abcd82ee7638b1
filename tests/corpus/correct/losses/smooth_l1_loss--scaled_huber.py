"""Huber's loss, the absolute value less what the parabola saves, in float64."""

import torch


def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    if input.shape != target.shape or beta < 0:
        raise ValueError("bad arguments")
    d = input.double() - target.double()
    outside = (d.abs() - beta).clamp(min=0)
    inside = d - outside * torch.sign(d)  # d clipped to [-beta, beta]
    if beta == 0:
        loss = d.abs()
    else:
        huber = 0.5 * inside**2 + beta * outside
        loss = huber / beta
    if reduction != "none":
        loss = loss.sum() / (loss.numel() if reduction == "mean" else 1)
    return loss.to(input.dtype)


def smooth_l1_loss_backward(grad_y, input, target, reduction="mean", beta=1.0):
    d = input.double() - target.double()
    clipped = torch.minimum(torch.maximum(d, torch.full_like(d, -beta)), torch.full_like(d, beta))
    grad = clipped / beta * grad_y.double()
    return (grad / d.numel() if reduction == "mean" else grad).to(input.dtype)
