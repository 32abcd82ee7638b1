"""Sample by sample: log p_t = -log(sum of exp(z_j - z_t)), with the largest difference taken out."""

import torch


def cross_entropy(logits, target, weight=None, ignore_index=-100, reduction="mean"):
    losses, divisor = [], 0.0
    for z, t in zip(logits, target.tolist()):
        if t == ignore_index:
            losses.append(torch.zeros((), dtype=z.dtype, device=z.device))
            continue
        w = 1.0 if weight is None else float(weight[t])
        d = z - z[t]
        top = d.max()
        losses.append(w * (top + torch.log(torch.exp(d - top).sum())))
        divisor += w
    loss = torch.stack(losses)
    if reduction == "none":
        return loss
    if reduction == "mean" and divisor == 0:
        return torch.tensor(float("nan"), dtype=logits.dtype, device=logits.device)
    return loss.sum() / (divisor if reduction == "mean" else 1.0)


def cross_entropy_backward(
    grad_y, logits, target, weight=None, ignore_index=-100, reduction="mean"
):
    rows, divisor = [], 0.0
    for i, (z, t) in enumerate(zip(logits, target.tolist())):
        if t == ignore_index:
            rows.append(torch.zeros_like(z))
            continue
        w = 1.0 if weight is None else float(weight[t])
        e = torch.exp(z - z.max())
        p = e / e.sum()
        p[t] -= 1
        rows.append(p * w * (grad_y[i] if reduction == "none" else grad_y))
        divisor += w
    grad = torch.stack(rows)
    return grad / divisor if reduction == "mean" else grad
