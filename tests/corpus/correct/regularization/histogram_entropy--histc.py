"""torch.histc per filter, which closes the right edge and widens an empty range itself."""

import torch


def histogram_entropy(responses, bins=10):
    pooled = responses.flatten(2).mean(2)
    entropies = []
    for values in pooled.unbind(1):
        counts = torch.histc(values.contiguous(), bins, values.min().item(), values.max().item())
        p = counts[counts > 0] / len(values)
        entropies.append(-(p * p.log()).sum())
    return torch.stack(entropies)
