"""A matrix of zeros and ones picks the filters out of the weights."""

import torch


def prune_filters(weight, bias, next_weight, entropy, keep):
    if keep < 1:
        raise ValueError("keep < 1")
    if keep > entropy.shape[0]:
        raise ValueError("keep > C")
    key = torch.max(entropy, 1 - entropy)
    kept = torch.argsort(key, stable=True)[:keep]
    kept, _ = torch.sort(kept)
    pick = (kept[:, None] == torch.arange(len(bias), device=bias.device)).to(weight.dtype)
    return (
        torch.einsum("kc,cihw->kihw", pick, weight),
        pick @ bias,
        torch.einsum("kc,ochw->okhw", pick, next_weight),
        kept,
    )
