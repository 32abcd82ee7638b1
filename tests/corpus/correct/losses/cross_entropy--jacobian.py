"""In float64; the gradient by the full Jacobian of the logarithm of softmax."""

import torch


def parts(logits, target, weight, ignore_index):
    z = logits.double()
    log_p = z - torch.logsumexp(z, dim=1, keepdim=True)
    kept = target != ignore_index
    safe = torch.where(kept, target, torch.zeros_like(target))
    w = torch.ones(len(z), dtype=torch.float64, device=z.device)
    if weight is not None:
        w = weight.double()[safe]
    w[~kept] = 0
    return log_p, safe, w


def cross_entropy(logits, target, weight=None, ignore_index=-100, reduction="mean"):
    log_p, safe, w = parts(logits, target, weight, ignore_index)
    loss = -w * log_p[torch.arange(len(w), device=w.device), safe]
    if reduction == "mean":
        loss = torch.dot(w / w.sum(), loss / torch.where(w > 0, w, 1.0))
    elif reduction == "sum":
        loss = loss.sum()
    return loss.to(logits.dtype)


def cross_entropy_backward(
    grad_y, logits, target, weight=None, ignore_index=-100, reduction="mean"
):
    log_p, safe, w = parts(logits, target, weight, ignore_index)
    n, c = log_p.shape
    jacobian = torch.eye(c, dtype=torch.float64, device=w.device) - log_p.exp()[:, None, :]
    upstream = grad_y.double().expand(n) / (w.sum() if reduction == "mean" else 1)
    rows = jacobian[torch.arange(n, device=w.device), safe]
    return torch.einsum("n,n,nc->nc", -w, upstream, rows).to(logits.dtype)
