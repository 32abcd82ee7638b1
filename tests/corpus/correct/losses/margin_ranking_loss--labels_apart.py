"""The pairs with y = 1 and those with y = -1 each by their own formula, in place."""

import torch


def margin_ranking_loss(x1, x2, y, margin=0.0, reduction="mean"):
    loss = torch.zeros(x1.shape, dtype=x1.dtype, device=x1.device)
    up = y > 0
    loss[up] = x2[up] - x1[up] + margin
    loss[~up] = x1[~up] - x2[~up] + margin
    loss[loss < 0] = 0
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()


def margin_ranking_loss_backward(grad_y, x1, x2, y, margin=0.0, reduction="mean"):
    upstream = torch.empty_like(x1).copy_(grad_y.expand(x1.shape))
    if reduction == "mean":
        upstream /= x1.numel()
    up = y > 0
    upstream[up & (x1 - x2 > margin)] = 0
    upstream[~up & (x2 - x1 > margin)] = 0
    return torch.where(up, -upstream, upstream), torch.where(up, upstream, -upstream)
