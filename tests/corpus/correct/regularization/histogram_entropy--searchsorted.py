"""Inner edges and torch.searchsorted: what lies beyond the last inner edge is in the last bin."""

import torch


def histogram_entropy(responses, bins=10):
    pooled = responses.mean(3).mean(2).t().contiguous()
    low, high = pooled.min(1, keepdim=True)[0], pooled.max(1, keepdim=True)[0]
    steps = torch.arange(1, bins, dtype=pooled.dtype, device=pooled.device) / bins
    inner = low + (high - low) * steps
    index = torch.searchsorted(inner, pooled, right=True)
    counts = torch.zeros(len(pooled), bins, dtype=pooled.dtype, device=pooled.device)
    counts.scatter_add_(1, index, torch.ones_like(pooled))
    return torch.special.entr(counts / pooled.shape[1]).sum(1)
