"""Python's sort by (distance, index)."""

import torch


def prune_filters(weight, bias, next_weight, entropy, keep):
    filters = weight.shape[0]
    if keep < 1 or keep > filters:
        raise ValueError("keep must be between 1 and the number of filters")
    ranked = sorted(range(filters), key=lambda i: (abs(entropy[i].item() - 0.5), i))
    kept = torch.tensor(sorted(ranked[:keep]), dtype=torch.int64, device=weight.device)
    return (
        weight.index_select(0, kept),
        bias.index_select(0, kept),
        next_weight.index_select(1, kept),
        kept,
    )
