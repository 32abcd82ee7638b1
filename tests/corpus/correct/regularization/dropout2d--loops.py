"""One channel of one image after the other; the shortest code that decides by a Python number."""

import torch


def dropout2d(x, p=0.5, training=True, generator=None):
    if p > 1 or p < 0:
        raise ValueError("p has to be in [0, 1]")
    y = torch.zeros_like(x)
    mask = torch.zeros(x.shape[0], x.shape[1], 1, 1, dtype=torch.bool, device=x.device)
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            if not training:
                y[i, c] = x[i, c]
                mask[i, c] = True
            elif torch.rand((), generator=generator, device=x.device).item() < 1 - p:
                y[i, c] = x[i, c] / (1 - p)
                mask[i, c] = True
    return y, mask
