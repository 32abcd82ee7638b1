"""Pair by pair; nothing at the kink."""

import torch


def margin_ranking_loss(x1, x2, y, margin=0.0, reduction="mean"):
    losses = []
    for a, b, sign in zip(x1.flatten(), x2.flatten(), y.flatten()):
        better, worse = (a, b) if sign > 0 else (b, a)
        lead = better - worse
        losses.append(margin - lead if lead < margin else lead * 0)
    loss = torch.stack(losses).reshape(x1.shape)
    if reduction == "mean":
        return sum(losses) / len(losses)
    return sum(losses) if reduction == "sum" else loss


def margin_ranking_loss_backward(grad_y, x1, x2, y, margin=0.0, reduction="mean"):
    grad_y = (grad_y / x1.numel() if reduction == "mean" else grad_y).expand(x1.shape)
    pairs = zip(grad_y.flatten(), x1.flatten(), x2.flatten(), y.flatten())
    first, second = [], []
    for g, a, b, sign in pairs:
        pull = g if (a - b) * sign < margin else g * 0
        first.append(-pull if sign > 0 else pull)
        second.append(pull if sign > 0 else -pull)
    return torch.stack(first).view(x1.shape), torch.stack(second).view(x1.shape)
