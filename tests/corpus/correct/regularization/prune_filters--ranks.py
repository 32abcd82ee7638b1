"""A filter is kept when fewer than `keep` others are ahead of it; bool masks do the rest."""

import torch


def prune_filters(weight, bias, next_weight, entropy, keep):
    count = entropy.numel()
    if keep not in range(1, count + 1):
        raise ValueError(f"keep is {keep}")
    distance = torch.abs(entropy - 0.5)
    index = torch.arange(count, device=entropy.device)
    nearer = distance[None, :] < distance[:, None]
    first = (distance[None, :] == distance[:, None]) & (index[None, :] < index[:, None])
    mask = (nearer | first).sum(1) < keep
    return weight[mask], bias[mask], next_weight[:, mask], mask.nonzero().squeeze(1)
