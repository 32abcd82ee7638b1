"""Each side indexed and filled on its own, in float64."""

import torch


def sigmoid(x):
    y = torch.empty(x.shape, dtype=torch.float64, device=x.device)
    right = x >= 0
    y[right] = 1 / (1 + torch.exp(-x[right].double()))
    e = torch.exp(x[~right].double())
    y[~right] = e / (1 + e)
    return y.to(x.dtype)


def sigmoid_backward(grad_y, x):
    y = sigmoid(x.double())
    return (grad_y.double() * y * sigmoid(-x.double())).to(x.dtype)
