"""With NumPy: the share of firing positions, rounded towards zero after moving it to [-1, 1]."""

import numpy as np
import torch


def filter_status(responses):
    fires = np.greater(responses.detach().cpu().numpy(), 0)
    share = fires.mean(axis=(0, 2, 3))
    status = np.trunc(2 * share - 1).astype(np.int64)
    return torch.from_numpy(status).to(responses.device)
