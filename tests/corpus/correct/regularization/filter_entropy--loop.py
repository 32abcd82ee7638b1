"""One filter at a time, with Python's numbers; outcomes that never happen are left out."""

import math

import torch


def filter_entropy(responses):
    entropies = []
    for c in range(responses.shape[1]):
        values = responses[:, c].reshape(-1).tolist()
        firing = sum(1 for value in values if value > 0)
        entropy = 0.0
        for count in (firing, len(values) - firing):
            if count:
                share = count / len(values)
                entropy -= share * math.log2(share)
        entropies.append(entropy)
    return torch.tensor(entropies, dtype=responses.dtype, device=responses.device)
