"""Classes first, results as transposed views; the backward in place on p."""

import torch


def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    z = logits.t()
    top = z.max(0).values
    lse = top + ((z - top).exp()).sum(0).log()
    ce = lse - z[target, torch.arange(z.shape[1], device=z.device)]
    pt = torch.exp(-ce)
    modulated = torch.abs(1 - pt).pow(gamma) * ce
    if alpha is not None:
        modulated = modulated * torch.index_select(alpha, 0, target)
    if reduction == "none":
        return modulated
    total = modulated.sum()
    return total / z.shape[1] if reduction == "mean" else total


def focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"):
    z = logits.t()
    n = z.shape[1]
    columns = torch.arange(n, device=z.device)
    top = z.max(0).values
    lse = top + ((z - top).exp()).sum(0).log()
    ce = (lse - z[target, columns]).clamp(min=0)
    p = torch.exp(z - lse)
    pt = p[target, columns].clone()
    q = (1 - pt).clamp(min=0)
    safe = torch.where(q == 0, torch.ones_like(q), q)
    slope = q.pow(gamma) + gamma * q.pow(gamma) / safe * pt * ce
    p[target, columns] -= 1
    p *= slope
    if alpha is not None:
        p *= alpha[target]
    p *= grad_y if reduction != "mean" else grad_y / n
    return p.t()
