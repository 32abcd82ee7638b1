"""The two pieces worked out only where they belong."""

import torch


def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    if input.shape != target.shape:
        raise ValueError("shapes")
    if beta < 0:
        raise ValueError("beta")
    loss = (input - target).abs().contiguous()
    near = loss < beta
    loss[near] = loss[near] ** 2 / (2 * beta) if beta else loss[near]
    loss[~near] -= beta / 2
    return loss if reduction == "none" else getattr(loss, reduction)()


def smooth_l1_loss_backward(grad_y, input, target, reduction="mean", beta=1.0):
    d = (input - target).contiguous()
    near = d.abs() <= beta
    slope = torch.ones_like(d)
    slope[d < 0] = -1
    slope[near] = d[near] / beta
    if reduction == "mean":
        slope /= slope.numel()
    return slope.mul_(grad_y)
