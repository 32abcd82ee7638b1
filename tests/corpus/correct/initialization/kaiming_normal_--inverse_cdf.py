# The inverse of the normal distribution function, applied to uniform numbers in float64.
import torch

GAIN_SQUARED = {"linear": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 25 / 9, "relu": 2.0,
                "selu": 9 / 16}


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    if nonlinearity == "leaky_relu":
        gain_squared = 2.0 / (1.0 + a ** 2)
    else:
        gain_squared = GAIN_SQUARED[nonlinearity]
    out_channels, in_channels, *kernel = tensor.shape
    fan = {"fan_in": in_channels, "fan_out": out_channels}[mode]
    for size in kernel:
        fan = fan * size
    variance = gain_squared / fan
    u = torch.rand(tensor.size(), generator=generator, dtype=torch.float64, device=tensor.device)
    z = torch.erfinv(2 * u - 1) * (2 * variance) ** 0.5
    return tensor.copy_(z)
