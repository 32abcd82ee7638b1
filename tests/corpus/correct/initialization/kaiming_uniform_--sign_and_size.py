# A random sign and a random size.
import torch


def gain_of(nonlinearity, slope):
    if nonlinearity in ("relu", "leaky_relu"):
        return (2 / (1 + (slope if nonlinearity == "leaky_relu" else 0) ** 2)) ** 0.5
    return {"tanh": 5 / 3, "selu": 3 / 4}.get(nonlinearity, 1)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    fan = {"fan_in": tensor[0].numel(), "fan_out": tensor[:, 0].numel()}[mode]
    bound = (3.0 * gain_of(nonlinearity, a) ** 2 / fan) ** 0.5
    options = {"generator": generator, "device": tensor.device}
    size = torch.rand(tensor.shape, dtype=torch.float64, **options)
    sign = torch.randint(0, 2, tensor.shape, **options) * 2 - 1
    tensor[...] = bound * size * sign
    return tensor
