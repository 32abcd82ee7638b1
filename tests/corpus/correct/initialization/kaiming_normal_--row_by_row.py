# Each output unit's weights drawn on their own, in place.
from math import prod, sqrt

import torch


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fan in and fan out need two dimensions")
    field = prod(tensor.shape[2:])
    return {"fan_in": tensor.shape[1] * field, "fan_out": tensor.shape[0] * field}


def gain(name, slope):
    if name == "leaky_relu":
        return sqrt(2.0 / (1.0 + slope * slope))
    return {"relu": sqrt(2.0), "tanh": 5.0 / 3.0, "selu": 0.75}.get(name, 1.0)


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    std = gain(nonlinearity, a) / sqrt(fans(tensor)[mode])
    for unit in tensor:
        unit.normal_(mean=0.0, std=std, generator=generator)
    return tensor
