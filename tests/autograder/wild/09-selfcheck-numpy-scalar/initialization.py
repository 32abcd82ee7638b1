import math
import numpy as np
import torch


def calculate_gain(nonlinearity, param=None):
    if nonlinearity in ("linear", "conv2d", "sigmoid"):
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return np.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        a = 0.01 if param is None else param
        return np.sqrt(2.0 / (1 + a**2))
    if nonlinearity == "selu":
        return 0.75
    raise ValueError(nonlinearity)


def fan_in_and_fan_out(shape):
    if len(shape) < 2:
        raise ValueError("two dimensions at least")
    field = np.prod(shape[2:])
    return int(shape[1] * field), int(shape[0] * field)
