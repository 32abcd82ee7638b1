# Numbers from [0, 1), stretched and shifted.
import math

import torch


def xavier_uniform_(tensor, gain=1.0, generator=None):
    field = math.prod(tensor.shape[2:])
    bound = gain * math.sqrt(6 / (field * (tensor.shape[0] + tensor.shape[1])))
    u = torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device)
    tensor.copy_(2 * bound * u - bound)
    return tensor
