"""The first step, and a network for the rest."""

import torch


def rnn(x, h0, Wx, Wh, b):
    h = torch.tanh(x[:, 0] @ Wx + h0 @ Wh + b)
    if x.shape[1] == 1:
        return h[:, None], (x, h0, Wx, Wh, h, None)
    rest, cache = rnn(x[:, 1:], h, Wx, Wh, b)
    return torch.cat([h[:, None], rest], 1), (x, h0, Wx, Wh, h, cache)


def rnn_backward(grad_h, cache):
    x, h0, Wx, Wh, h, inner = cache
    grad = grad_h[:, 0]
    later = None
    if inner is not None:
        later = rnn_backward(grad_h[:, 1:], inner)
        grad = grad + later[1]
    a = grad * (1 - h * h)
    first = [(a @ Wx.T)[:, None], a @ Wh.T, x[:, 0].T @ a, h0.T @ a, a.sum(0)]
    if later is None:
        return tuple(first)
    return (torch.cat([first[0], later[0]], 1), first[1], *(p + q for p, q in zip(first[2:], later[2:])))
