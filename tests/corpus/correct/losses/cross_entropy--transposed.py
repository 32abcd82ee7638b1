"""Classes first; the kept columns only; the result is a transposed view, changed in place."""

import torch


def cross_entropy(logits, target, weight=None, ignore_index=-100, reduction="mean"):
    kept = target.ne(ignore_index)
    z, t = logits.t()[:, kept], target[kept]
    top = z.amax(0)
    e = (z - top).exp()
    loss = e.sum(0).log() - (z[t, torch.arange(z.shape[1], device=z.device)] - top)
    w = torch.ones_like(loss) if weight is None else weight.index_select(0, t)
    loss = loss * w
    if reduction == "none":
        return torch.zeros_like(logits[:, 0]).masked_scatter(kept, loss)
    if reduction == "sum":
        return loss.sum()
    return loss.sum() / w.sum()


def cross_entropy_backward(
    grad_y, logits, target, weight=None, ignore_index=-100, reduction="mean"
):
    p = torch.softmax(logits.t(), dim=0).clone()
    kept = target.ne(ignore_index)
    columns = torch.arange(p.shape[1], device=p.device)[kept]
    p[target[kept], columns] -= 1
    p[:, ~kept] = 0
    w = torch.zeros_like(p[0])
    w[kept] = 1 if weight is None else weight[target[kept]]
    if reduction == "mean":
        w /= w.sum()
    p *= w * grad_y
    return p.t()
