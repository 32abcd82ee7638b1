"""A loop over the samples; a large random integer decides; the results are indexed into place."""

import torch

RANGE = 2**24


def dropout(x, p=0.5, training=True, generator=None):
    if p < 0.0 or p > 1.0:
        raise ValueError("not a probability")
    masks = []
    for sample in x:
        if training:
            drawn = torch.randint(0, RANGE, sample.shape, generator=generator, device=x.device)
            masks.append(drawn >= p * RANGE)
        else:
            masks.append(torch.ones_like(sample).bool())
    mask = torch.stack(masks)
    y = torch.zeros_like(x)
    y[mask] = x[mask]
    if training and p != 1:
        y = y * (1.0 / (1.0 - p))
    return y, mask


def dropout_backward(grad_y, mask, p=0.5, training=True):
    grad_x = torch.zeros_like(grad_y)
    mask = mask.expand(grad_y.shape)
    grad_x[mask] = grad_y[mask]
    if training and p != 1:
        grad_x = grad_x * (1.0 / (1.0 - p))
    return grad_x
