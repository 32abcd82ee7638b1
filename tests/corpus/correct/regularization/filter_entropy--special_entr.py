"""torch.special.entr of both shares; firing positions counted in whole numbers."""

import math

import torch


def filter_entropy(responses):
    n, c, h, w = responses.shape
    firing = torch.count_nonzero(responses.clamp(min=0), dim=(0, 2, 3))
    silent = n * h * w - firing
    shares = torch.stack([firing, silent]).to(responses.dtype) / (n * h * w)
    return torch.special.entr(shares).sum(0) / math.log(2.0)
