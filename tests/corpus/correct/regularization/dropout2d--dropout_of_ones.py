"""Element-wise dropout of one number per channel gives the factor of the channel."""

import torch


def dropout(x, p, training, generator):
    if not 0 <= p <= 1:
        raise ValueError("not a probability")
    if not training:
        return x, torch.ones_like(x, dtype=torch.bool)
    drawn = torch.randint(0, 2**24, x.shape, generator=generator, device=x.device)
    mask = drawn >= p * 2**24
    return (x * mask) / (1 - p if p < 1 else 1), mask


def dropout2d(x, p=0.5, training=True, generator=None):
    factor, mask = dropout(torch.ones_like(x[:, :, :1, :1]), p, training, generator)
    return x * factor, mask
