"""A tensor of slopes, in float64, transposed on the way."""

import torch


def _slopes(x, negative_slope):
    slopes = torch.full(x.shape, float(negative_slope), dtype=torch.float64, device=x.device)
    return slopes.masked_fill_(x > 0, 1.0)


def leaky_relu(x, negative_slope=0.01):
    order = list(range(x.dim()))[::-1]
    z = x.permute(order)
    return (z.double() * _slopes(z, negative_slope)).to(x.dtype).permute(order)


def leaky_relu_backward(grad_y, x, negative_slope=0.01):
    return torch.einsum("...,...->...", grad_y.double(), _slopes(x, negative_slope)).to(x.dtype)
