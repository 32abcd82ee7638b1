"""Signs of the largest and of the smallest response: both up, both not, or mixed."""

import torch


def filter_status(responses):
    flat = responses.movedim(1, 0).reshape(responses.shape[1], -1)
    low, high = torch.aminmax(flat, dim=1)
    return torch.where(low > 0, 1, torch.where(high > 0, 0, -1))
