# torch.normal with tensors of means and deviations, in float64, written through a flat view.
import torch


def leaky_gain(slope):
    return torch.sqrt(torch.tensor(2.0, dtype=torch.float64) / (1 + slope ** 2))


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    if nonlinearity == "leaky_relu":
        gain = float(leaky_gain(a))
    elif nonlinearity == "relu":
        gain = float(leaky_gain(0.0))
    elif nonlinearity == "tanh":
        gain = 5.0 / 3
    elif nonlinearity == "selu":
        gain = 3.0 / 4
    elif nonlinearity in ("linear", "conv2d", "sigmoid"):
        gain = 1.0
    else:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    matrix = tensor.reshape(tensor.shape[0], -1)
    if mode == "fan_in":
        fan = matrix.shape[1]
    else:
        fan = tensor.numel() // tensor.shape[1]
    std = torch.full(matrix.shape, gain * fan ** -0.5, dtype=torch.float64, device=tensor.device)
    sample = torch.normal(torch.zeros_like(std), std, generator=generator)
    for row, values in zip(tensor, sample):
        row.copy_(values.reshape(row.shape))
    return tensor
