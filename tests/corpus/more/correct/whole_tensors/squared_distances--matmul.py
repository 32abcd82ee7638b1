import torch


def squared_distances(x, y):
    if x.shape[1] != y.shape[1]:
        raise ValueError("rows of two lengths")
    centre = torch.cat([x, y]).mean(0)  # or large numbers cancel
    x, y = x - centre, y - centre
    d = (x * x).sum(1)[:, None] + (y * y).sum(1)[None, :] - 2 * (x @ y.T)
    return d.clamp(min=0)
