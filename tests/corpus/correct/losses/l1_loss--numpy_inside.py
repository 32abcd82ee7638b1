"""NumPy does the arithmetic, torch only carries it."""

import numpy as np
import torch


def l1_loss(input, target, reduction="mean"):
    a, b = input.cpu().numpy(), target.cpu().numpy()
    if a.shape != b.shape:
        raise ValueError("one shape, please")
    loss = np.abs(a - b)
    if reduction != "none":
        loss = np.asarray(getattr(loss, reduction)())
    return torch.from_numpy(loss.copy()).to(input.device)


def l1_loss_backward(grad_y, input, target, reduction="mean"):
    g, a, b = (t.cpu().numpy() for t in (grad_y, input, target))
    grad = np.where(a < b, -g, g)
    if reduction == "mean":
        grad = grad / a.size
    return torch.from_numpy(grad.astype(a.dtype)).to(input.device)
