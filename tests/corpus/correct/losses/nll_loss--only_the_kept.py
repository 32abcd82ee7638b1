"""The kept samples picked out first, and put back where they belong."""

import torch


def nll_loss(log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    (kept,) = torch.nonzero(target != ignore_index, as_tuple=True)
    classes = target[kept]
    w = torch.ones_like(log_probs[0])[classes] if weight is None else weight[classes]
    picked = w * log_probs[kept, classes]
    if reduction == "none":
        full = torch.zeros(len(target), dtype=log_probs.dtype, device=log_probs.device)
        full[kept] = picked
        return full.neg()
    return -picked.sum() if reduction == "sum" else -picked.sum() / w.sum()


def nll_loss_backward(grad_y, log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    (kept,) = torch.nonzero(target != ignore_index, as_tuple=True)
    classes = target[kept]
    w = torch.ones_like(log_probs[0])[classes] if weight is None else weight[classes]
    if reduction == "mean":
        w = w / w.sum()
    grad = torch.zeros_like(log_probs)
    grad[kept, classes] = -w * (grad_y[kept] if reduction == "none" else grad_y)
    return grad
