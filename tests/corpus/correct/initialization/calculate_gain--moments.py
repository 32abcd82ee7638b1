# The rectifiers from their second moments: E[f(z)^2] = (1 + slope^2) / 2 for z ~ N(0, 1).
import math


def second_moment(positive_slope, negative_slope):
    return 0.5 * positive_slope ** 2 + 0.5 * negative_slope ** 2


def calculate_gain(nonlinearity, param=None):
    if nonlinearity == "leaky_relu":
        slope = param if param is not None else 0.01
        return second_moment(1.0, slope) ** -0.5
    if nonlinearity == "relu":
        return math.exp(-0.5 * math.log(second_moment(1.0, 0.0)))
    others = [("linear", 1.0), ("conv2d", 1.0), ("sigmoid", 1.0), ("tanh", 5 / 3), ("selu", 0.75)]
    for name, gain in others:
        if name == nonlinearity:
            return gain
    raise ValueError("no gain known for " + repr(nonlinearity))
