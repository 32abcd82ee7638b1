"""A weighted one-hot matrix, in which an ignored target has a row of zeros."""

import torch


def weights(log_probs, target, weight, ignore_index):
    classes = torch.arange(log_probs.shape[1], device=log_probs.device)
    hot = (target[:, None] == classes) & (target != ignore_index)[:, None]
    hot = hot.to(log_probs.dtype)
    return hot if weight is None else hot * weight


def nll_loss(log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    hot = weights(log_probs, target, weight, ignore_index)
    if reduction == "none":
        return torch.einsum("nc,nc->n", hot, -log_probs)
    total = -torch.einsum("nc,nc->", hot, log_probs)
    return total / hot.sum() if reduction == "mean" else total


def nll_loss_backward(grad_y, log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    hot = weights(log_probs, target, weight, ignore_index)
    if reduction == "none":
        return -torch.einsum("n,nc->nc", grad_y, hot)
    return -hot * grad_y / (hot.sum() if reduction == "mean" else 1)
