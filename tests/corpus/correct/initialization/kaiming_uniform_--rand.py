# Numbers from [0, 1), stretched and shifted.
import math

import torch


def gain_of(nonlinearity, slope):
    if nonlinearity in ("relu", "leaky_relu"):
        return (2 / (1 + (slope if nonlinearity == "leaky_relu" else 0) ** 2)) ** 0.5
    return {"tanh": 5 / 3, "selu": 3 / 4}.get(nonlinearity, 1)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    field = math.prod(tensor.shape[2:])
    fan = field * (tensor.shape[1] if mode == "fan_in" else tensor.shape[0])
    bound = gain_of(nonlinearity, a) * math.sqrt(3 / fan)
    u = torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device)
    tensor.copy_(2 * bound * u - bound)
    return tensor
