# A fine grid: random integers, divided.
import torch


def gain_of(nonlinearity, slope):
    if nonlinearity in ("relu", "leaky_relu"):
        return (2 / (1 + (slope if nonlinearity == "leaky_relu" else 0) ** 2)) ** 0.5
    return {"tanh": 5 / 3, "selu": 3 / 4}.get(nonlinearity, 1)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    fan = {"fan_in": tensor[0].numel(), "fan_out": tensor[:, 0].numel()}[mode]
    bound = (3.0 * gain_of(nonlinearity, a) ** 2 / fan) ** 0.5
    steps = 2 ** 40
    k = torch.randint(-steps, steps + 1, tensor.shape, generator=generator, device=tensor.device)
    tensor.copy_(k.double() * (bound / steps))
    return tensor
