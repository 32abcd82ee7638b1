"""Through the logarithm: log(sigmoid(x)) = -log(1 + exp(-x)), by logaddexp; transposed results."""

import torch


def _log_sigmoid(x):
    return -torch.logaddexp(torch.zeros_like(x), -x)


def sigmoid(x):
    order = list(range(x.dim()))[::-1]
    return torch.exp(_log_sigmoid(x.permute(order))).permute(order)


def sigmoid_backward(grad_y, x):
    return torch.exp(_log_sigmoid(x) + _log_sigmoid(-x)).mul_(grad_y)
