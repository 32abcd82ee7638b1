"""Value by value."""

import torch


def accumulate_statistics(x, mean, var, count):
    mean = mean.clone() if count else torch.zeros_like(mean)
    m2 = var * count if count else torch.zeros_like(var)
    for value in x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]):
        count += 1
        delta = value - mean
        mean = mean + delta / count
        m2 = m2 + delta * (value - mean)
    return mean, m2 / count, count
