"""The number of firing positions against none and all of them."""

import torch


def filter_status(responses):
    firing = torch.count_nonzero(torch.relu(responses), dim=(0, 2, 3))
    positions = responses.numel() // responses.shape[1]
    status = torch.zeros_like(firing)
    status[firing == 0] = -1
    status[firing == positions] = 1
    return status
