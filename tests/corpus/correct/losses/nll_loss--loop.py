"""Sample by sample, with running totals."""

import torch


def nll_loss(log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    losses, divisor = [], 0.0
    for row, t in zip(log_probs, target.tolist()):
        if t == ignore_index:
            losses.append(row.new_zeros(()))
            continue
        w = 1.0 if weight is None else weight[t]
        losses.append(-w * row[t])
        divisor += w
    loss = torch.stack(losses)
    if reduction == "none":
        return loss
    total = loss.sum()
    if reduction == "sum":
        return total
    return total / divisor if divisor else total * float("nan")


def nll_loss_backward(grad_y, log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    grad = torch.zeros(log_probs.shape, dtype=log_probs.dtype, device=log_probs.device)
    divisor = 0.0
    for i, t in enumerate(target.tolist()):
        if t != ignore_index:
            w = 1.0 if weight is None else weight[t].item()
            grad[i, t] = -w * (grad_y[i] if reduction == "none" else grad_y)
            divisor += w
    return grad / divisor if reduction == "mean" else grad
