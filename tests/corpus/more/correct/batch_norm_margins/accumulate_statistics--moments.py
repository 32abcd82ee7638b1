"""By sums of squares, in double precision."""

import torch


def accumulate_statistics(x, mean, var, count):
    flat = x.transpose(0, 1).flatten(1).double()
    m = flat.shape[1]
    if count == 0:
        mean = var = flat.new_zeros(len(flat), dtype=torch.float64)
    total = flat.sum(1) + count * mean.double()
    squares = (flat**2).sum(1) + count * (var.double() + mean.double() ** 2)
    new = total / (count + m)
    return new.to(x.dtype), (squares / (count + m) - new**2).to(x.dtype), count + m
