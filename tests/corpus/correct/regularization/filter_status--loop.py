"""One filter at a time, by its extremes."""

import torch


def filter_status(responses):
    status = []
    for c in range(responses.size(1)):
        of_filter = responses.select(1, c)
        if of_filter.max() <= 0:
            status.append(-1)
        elif of_filter.min() > 0:
            status.append(1)
        else:
            status.append(0)
    return torch.tensor(status, device=responses.device)
