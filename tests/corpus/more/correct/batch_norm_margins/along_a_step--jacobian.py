"""Batch norm's backward by its Jacobian, a column at a time."""

import torch


def along_a_step(x, y, W1, W2, rates, normalised, eps=1e-5):
    if normalised and x.shape[0] == 1:
        raise ValueError

    def look(weights):
        z = x @ weights
        n = len(z)
        jacobians = [torch.diag(z.new_ones(n))] * z.shape[1]
        if normalised:
            centred = z - z.mean(0)
            std = ((centred**2).mean(0) + eps) ** 0.5
            z = centred / std
            ones = z.new_ones(n, n) / n
            jacobians = [
                (torch.diag(z.new_ones(n)) - ones - torch.outer(c, c) / n) / s
                for c, s in zip(z.T, std)
            ]
        hidden = torch.where(z > 0, z, 0)
        off = hidden @ W2 - y
        upstream = (2 * off / off.numel()) @ W2.T
        upstream = torch.where(z > 0, upstream, 0)
        back = torch.stack([j @ u for j, u in zip(jacobians, upstream.T)], dim=1)
        return off.pow(2).sum() / off.numel(), x.T @ back

    start = look(W1)[1]
    found = [look(W1 - start * rate) for rate in rates]
    distances = [(g - start).pow(2).sum().sqrt() for _, g in found]
    return start, torch.stack([loss for loss, _ in found]), torch.stack(distances)
