"""From the margins to the target's logit: log p_t = -log(1 + sum of exp(z_j - z_t)), one-hot sums."""

import torch


def _parts(logits, target):
    classes = torch.arange(logits.shape[1], device=logits.device)
    hot = (target[:, None] == classes).to(logits.dtype)
    log_p = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    log_pt = torch.einsum("nc,nc->n", log_p, hot)
    return hot, log_p, log_pt.clamp(max=0)


def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    hot, _, log_pt = _parts(logits, target)
    loss = -torch.pow(-torch.expm1(log_pt), gamma) * log_pt
    if alpha is not None:
        loss = loss * (hot @ alpha)
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]


def focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"):
    hot, log_p, log_pt = _parts(logits, target)
    pt = log_pt.exp()
    q = -torch.expm1(log_pt)
    tiny = torch.finfo(logits.dtype).tiny
    ratio = log_pt / q.clamp(min=tiny)
    ratio = torch.where(q > 0, ratio, torch.full_like(ratio, -1.0))
    slope = q**gamma * (1 - gamma * pt * ratio)
    if alpha is not None:
        slope = slope * (hot @ alpha)
    slope = slope * grad_y
    if reduction == "mean":
        slope = slope / logits.size(0)
    return torch.einsum("n,nc->nc", slope, log_p.exp() - hot)
