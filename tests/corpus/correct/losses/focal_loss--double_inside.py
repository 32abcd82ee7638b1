"""In float64 whatever comes in; the gradient by the full softmax Jacobian."""

import torch


def _softmax(logits):
    z = logits.double()
    z = z - z.max(dim=1, keepdim=True).values
    log_p = z - z.exp().sum(1, keepdim=True).log()
    return log_p, log_p.exp()


def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    log_p, p = _softmax(logits)
    rows = torch.arange(len(target), device=logits.device)
    a = torch.ones(len(target), dtype=torch.float64) if alpha is None else alpha.double()[target]
    loss = -a.to(logits.device) * (1 - p[rows, target]) ** gamma * log_p[rows, target]
    if reduction == "mean":
        loss = loss.mean()
    elif reduction == "sum":
        loss = loss.sum()
    return loss.to(logits.dtype)


def focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"):
    log_p, p = _softmax(logits)
    n, c = p.shape
    rows = torch.arange(n, device=logits.device)
    pt, log_pt = p[rows, target], log_p[rows, target]
    factor = (1 - pt) ** gamma
    # d loss / d log_p, which is not zero for the target's class only
    with_power = torch.zeros_like(pt)
    hard = pt < 1
    with_power[hard] = gamma * (1 - pt[hard]) ** (gamma - 1) * pt[hard] * log_pt[hard]
    grad_log_p = torch.zeros_like(p)
    grad_log_p[rows, target] = with_power - factor
    if alpha is not None:
        grad_log_p *= alpha.double()[target].unsqueeze(1)
    # log_p = z - logsumexp(z): the Jacobian of each row is I - 1 p^T
    jacobian = torch.eye(c, dtype=torch.float64, device=logits.device) - p.unsqueeze(1)
    grad = torch.bmm(grad_log_p.unsqueeze(1), jacobian).squeeze(1)
    upstream = grad_y.double() if reduction == "none" else grad_y.double().expand(n)
    if reduction == "mean":
        upstream = upstream / n
    return (grad * upstream.unsqueeze(1)).to(logits.dtype)
