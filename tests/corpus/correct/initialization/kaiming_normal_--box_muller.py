# Box & Muller 1958: two uniform numbers make two normal ones.
import math

import torch


def calculate_gain(nonlinearity, param=None):
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "selu":
        return 3 / 4
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity in {"linear", "sigmoid", "conv2d"}:
        return 1
    raise ValueError("unsupported nonlinearity " + str(nonlinearity))


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    fan = tensor[0].numel() if mode == "fan_in" else tensor[:, 0].numel()
    std = calculate_gain(nonlinearity, a) / fan ** 0.5
    half = (tensor.numel() + 1) // 2
    options = {"generator": generator, "dtype": tensor.dtype, "device": tensor.device}
    u1 = 1 - torch.rand(half, **options)  # in (0, 1]: no log(0)
    u2 = torch.rand(half, **options)
    radius = torch.sqrt(-2 * torch.log(u1))
    angle = 2 * math.pi * u2
    z = torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)])
    tensor[...] = std * z[:tensor.numel()].reshape(tensor.shape)
    return tensor
