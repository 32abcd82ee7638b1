"""A mask times the violation; half of the slope at the kink."""

import torch


def margin_ranking_loss(x1, x2, y, margin=0.0, reduction="mean"):
    violation = margin + y * (x2 - x1)
    loss = violation * (violation > 0)
    return {"none": loss, "sum": loss.sum(), "mean": loss.mean()}[reduction]


def margin_ranking_loss_backward(grad_y, x1, x2, y, margin=0.0, reduction="mean"):
    violation = margin + y * (x2 - x1)
    slope = torch.heaviside(violation, torch.tensor(0.5, dtype=x1.dtype, device=x1.device))
    grad_x2 = slope * y * grad_y
    if reduction == "mean":
        grad_x2 = grad_x2 / violation.numel()
    return grad_x2.neg(), grad_x2
