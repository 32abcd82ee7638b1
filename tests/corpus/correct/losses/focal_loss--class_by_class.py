"""A loop over the samples with Python numbers for the target's class."""

import torch


def _probabilities(row):
    e = torch.exp(row - row.max())
    return e / e.sum()


def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    losses = []
    for row, t in zip(logits, target.tolist()):
        shifted = row - row[t]
        top = shifted.max()
        log_pt = -(top + torch.log(torch.exp(shifted - top).sum()))
        p_other = _probabilities(row)
        p_other = p_other.sum() - p_other[t]
        weight = 1.0 if alpha is None else alpha[t]
        losses.append(-weight * p_other.clamp(min=0) ** gamma * log_pt)
    loss = torch.stack(losses)
    if reduction == "sum":
        return loss.sum()
    return loss.sum() / len(losses) if reduction == "mean" else loss


def focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"):
    n, c = logits.shape
    grad = torch.zeros(n, c, dtype=logits.dtype, device=logits.device)
    for i in range(n):
        t = int(target[i])
        p = _probabilities(logits[i])
        q = 1 - p[t]
        if q <= 0:
            if gamma > 0:
                continue
            inner = p[t] * 0 - 1
        else:
            shifted = logits[i] - logits[i].max()
            log_pt = shifted[t] - torch.log(torch.exp(shifted).sum())
            inner = q**gamma * (gamma * p[t] * log_pt / q - 1)
        if alpha is not None:
            inner = inner * alpha[t]
        upstream = grad_y[i] if reduction == "none" else grad_y
        for j in range(c):
            grad[i, j] = upstream * inner * ((1.0 if j == t else 0.0) - p[j])
    return grad / n if reduction == "mean" else grad
