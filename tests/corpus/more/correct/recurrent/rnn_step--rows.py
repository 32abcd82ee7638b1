"""Row by row."""

import torch


def rnn_step(x, h, Wx, Wh, b):
    rows = [torch.tanh(Wx.T @ xi + Wh.T @ hi + b) for xi, hi in zip(x, h)]
    return torch.stack(rows), [x, h, Wx, Wh, rows]


def rnn_step_backward(grad_h_next, cache):
    x, h, Wx, Wh, rows = cache
    gx, gh = torch.zeros_like(x), torch.zeros_like(h)
    gWx, gWh, gb = torch.zeros_like(Wx), torch.zeros_like(Wh), torch.zeros_like(Wh[0])
    for n, (upstream, row) in enumerate(zip(grad_h_next, rows)):
        a = upstream * (1 + row) * (1 - row)
        gx[n], gh[n] = Wx @ a, Wh @ a
        gWx += torch.outer(x[n], a)
        gWh += torch.outer(h[n], a)
        gb += a
    return gx, gh, gWx, gWh, gb
