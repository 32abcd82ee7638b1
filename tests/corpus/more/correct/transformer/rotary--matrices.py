"""A rotation matrix for every position and pair."""

import torch


def rotary(x, positions, theta=10000.0):
    if x.shape[-1] & 1:
        raise ValueError("pairs are needed")
    half = x.shape[-1] // 2
    angle = torch.stack(
        [positions.to(x.dtype) / theta ** (2 * k / x.shape[-1]) for k in range(half)], dim=1
    )
    c, s = torch.cos(angle), torch.sin(angle)
    matrices = torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
    pairs = x.unflatten(-1, (half, 2)).unsqueeze(-1)
    return (matrices @ pairs).squeeze(-1).flatten(-2)
