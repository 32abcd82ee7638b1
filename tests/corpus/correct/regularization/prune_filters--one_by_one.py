"""Removes the farthest filter, the last of equals, until few enough are left."""

import torch


def prune_filters(weight, bias, next_weight, entropy, keep):
    if not 0 < keep < len(bias) + 1:
        raise ValueError("keep")
    left = list(range(len(bias)))
    while len(left) > keep:
        far = max(left, key=lambda i: (float(entropy[i] - 0.5) ** 2, i))
        left.remove(far)
    thin = torch.stack([weight[i] for i in left])
    biases = torch.stack([bias[i] for i in left])
    following = torch.stack([next_weight[:, i] for i in left], dim=1)
    return thin, biases, following, torch.tensor(left)
