"""numpy.lexsort; weights gathered into new tensors."""

import numpy as np
import torch


def prune_filters(weight, bias, next_weight, entropy, keep):
    if keep <= 0:
        raise ValueError("at least one filter must stay")
    if keep > bias.shape[0]:
        raise ValueError("there are not so many filters")
    e = entropy.cpu().numpy()
    order = np.lexsort((np.arange(len(e)), np.abs(2 * e - 1)))
    kept = torch.from_numpy(np.sort(order[:keep])).to(weight.device)
    out, b = torch.empty_like(weight[:keep]), torch.empty_like(bias[:keep])
    following = torch.empty(
        (next_weight.shape[0], keep, *next_weight.shape[2:]),
        dtype=next_weight.dtype,
        device=next_weight.device,
    )
    for new, old in enumerate(kept.tolist()):
        out[new], b[new], following[:, new] = weight[old], bias[old], next_weight[:, old]
    return out, b, following, kept
