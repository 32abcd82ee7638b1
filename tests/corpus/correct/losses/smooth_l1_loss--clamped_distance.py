"""One formula without branches: with z = min(|d|, beta), z * (|d| - z / 2) / beta."""

import torch


def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    if beta < 0 or input.shape != target.shape:
        raise ValueError("beta must not be negative and the shapes must be equal")
    distance = (input - target).abs()
    if beta > 0:
        z = distance.clamp(max=beta)
        distance = z * (distance - z / 2) / beta
    if reduction == "mean":
        return distance.mean()
    return distance.sum() if reduction == "sum" else distance


def smooth_l1_loss_backward(grad_y, input, target, reduction="mean", beta=1.0):
    slope = ((input - target) / beta).clamp(-1, 1)
    return grad_y * slope / (input.numel() if reduction == "mean" else 1)
