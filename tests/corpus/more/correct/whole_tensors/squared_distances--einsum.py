import torch


def squared_distances(x, y):
    if x.size(1) != y.size(1):
        raise ValueError("lengths")
    difference = x.unsqueeze(1) - y
    return torch.einsum("nmd,nmd->nm", difference, difference)
