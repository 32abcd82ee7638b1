"""Counts of both outcomes by torch.bincount, and log n - (sum of k log k) / n in float64."""

import torch


def filter_entropy(responses):
    flat = responses.permute(1, 0, 2, 3).flatten(1)
    filters, n = flat.shape
    outcome = (flat > 0).long() + 2 * torch.arange(filters, device=flat.device)[:, None]
    counts = torch.bincount(outcome.flatten(), minlength=2 * filters).view(filters, 2).double()
    logs = torch.where(counts > 0, counts, 1.0).log2()
    n = torch.tensor(float(n), dtype=torch.float64, device=flat.device)
    return (n.log2() - (counts * logs).sum(1) / n).to(responses.dtype)
