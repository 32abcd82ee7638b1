# Scaled standard normal numbers, copied into place.
import math

import torch


def gain_of(nonlinearity, a):
    gains = {
        "linear": 1,
        "conv2d": 1,
        "sigmoid": 1,
        "tanh": 5 / 3,
        "relu": 2 ** 0.5,
        "leaky_relu": (2 / (1 + a * a)) ** 0.5,
        "selu": 0.75,
    }
    if nonlinearity not in gains:
        raise ValueError(nonlinearity)
    return gains[nonlinearity]


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    receptive = 1
    for k in tensor.shape[2:]:
        receptive *= k
    if mode == "fan_in":
        fan = tensor.shape[1] * receptive
    elif mode == "fan_out":
        fan = tensor.shape[0] * receptive
    else:
        raise ValueError("mode is fan_in or fan_out")
    std = gain_of(nonlinearity, a) / math.sqrt(fan)
    noise = torch.randn(
        tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device
    )
    tensor.copy_(noise * std)
    return tensor
