# Box & Muller 1958, in float64.
import math

import torch


def fans(shape):
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def xavier_normal_(tensor, gain=1.0, generator=None):
    std = gain * (2.0 / sum(fans(tensor.shape))) ** 0.5
    u = torch.rand(
        (2, tensor.numel()), generator=generator, dtype=torch.float64, device=tensor.device
    )
    z = (-2 * (1 - u[0]).log()).sqrt() * (2 * math.pi * u[1]).sin()
    tensor[:] = (z * std).view(tensor.shape)
    return tensor
