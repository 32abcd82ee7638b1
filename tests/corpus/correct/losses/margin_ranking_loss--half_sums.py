"""max(0, v) = (v + |v|) / 2, in float64."""

import torch


def margin_ranking_loss(x1, x2, y, margin=0.0, reduction="mean"):
    v = margin - (x1.double() - x2.double()) * y.double()
    loss = (v + v.abs()) / 2
    if reduction == "mean":
        loss = loss.sum() / loss.numel()
    elif reduction == "sum":
        loss = loss.sum()
    return loss.to(x1.dtype)


def margin_ranking_loss_backward(grad_y, x1, x2, y, margin=0.0, reduction="mean"):
    v = margin - (x1.double() - x2.double()) * y.double()
    grad_v = (1 + torch.sign(v)) / 2 * grad_y.double()
    if reduction == "mean":
        grad_v /= v.numel()
    return (-y * grad_v).to(x1.dtype), (y * grad_v).to(x1.dtype)
