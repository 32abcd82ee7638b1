"""In float64, with the divisor from how often each class occurs."""

import torch


def divisor(kept_targets, weight, classes):
    counts = torch.bincount(kept_targets, minlength=classes).double()
    return counts.sum() if weight is None else (counts * weight.double()).sum()


def nll_loss(log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    ignored = target == ignore_index
    safe = target.masked_fill(ignored, 0)
    loss = -torch.take_along_dim(log_probs.double(), safe[:, None], dim=1)[:, 0]
    if weight is not None:
        loss = loss * weight.double()[safe]
    loss = loss.masked_fill(ignored, 0.0)
    if reduction == "mean":
        loss = loss.sum() / divisor(target[~ignored], weight, log_probs.shape[1])
    elif reduction == "sum":
        loss = loss.sum()
    return loss.to(log_probs.dtype)


def nll_loss_backward(grad_y, log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    n, c = log_probs.shape
    grad = torch.zeros(n * c, dtype=torch.float64, device=log_probs.device)
    upstream = grad_y.double().expand(n)
    if reduction == "mean":
        upstream = upstream / divisor(target[target != ignore_index], weight, c)
    for i in range(n):
        t = int(target[i])
        if t == ignore_index:
            continue
        grad[i * c + t] -= upstream[i] * (1 if weight is None else weight[t].double())
    return grad.view(n, c).to(log_probs.dtype)
