# Between the two ends, in float64, through a flat view.
import math

import torch


def xavier_uniform_(tensor, gain=1.0, generator=None):
    field = math.prod(tensor.shape[2:])
    bound = gain * math.sqrt(6 / (field * (tensor.shape[0] + tensor.shape[1])))
    u = torch.rand(tensor.numel(), generator=generator, dtype=torch.float64, device=tensor.device)
    ends = torch.tensor([-bound, bound], dtype=torch.float64, device=tensor.device)
    tensor.view(-1).copy_(torch.lerp(ends[0], ends[1], u))
    return tensor
