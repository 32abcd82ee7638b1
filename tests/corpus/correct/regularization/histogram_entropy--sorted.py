"""Pooled responses sorted; bins are runs between cuts, found by counting what lies below."""

import math

import torch


def histogram_entropy(responses, bins=10):
    n = responses.shape[0]
    pooled = [[image[c].mean().item() for image in responses] for c in range(responses.shape[1])]
    result = []
    for values in map(sorted, pooled):
        low, high = values[0], values[-1]
        cuts = [low + (high - low) * k / bins for k in range(1, bins)]
        below = [0] + [sum(v < cut for v in values) for cut in cuts] + [n]
        sizes = [b - a for a, b in zip(below, below[1:])]
        result.append(math.fsum(-k / n * math.log(k / n) for k in sizes if k > 0))
    return responses.new_tensor(result)
