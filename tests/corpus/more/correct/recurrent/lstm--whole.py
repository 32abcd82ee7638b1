"""Everything in two loops, with stacked gates."""

import torch


def lstm(x, h0, Wx, Wh, b):
    n, steps, _ = x.shape
    H = h0.shape[1]
    h, c = h0, h0 * 0
    kept = []
    for t in range(steps):
        a = (x[:, t] @ Wx + h @ Wh + b).view(n, 4, H)
        s = torch.sigmoid(a[:, :3])
        g = torch.tanh(a[:, 3])
        before, old = h, c
        c = s[:, 1] * c + s[:, 0] * g
        h = s[:, 2] * torch.tanh(c)
        kept.append((before, old, s, g, c, h))
    return torch.stack([k[5] for k in kept], 1), (x, Wx, Wh, kept)


def lstm_backward(grad_h, cache):
    x, Wx, Wh, kept = cache
    n, H = kept[0][0].shape
    dh, dc = x.new_zeros(n, H), x.new_zeros(n, H)
    dx, dWx, dWh, db = torch.zeros_like(x), torch.zeros_like(Wx), torch.zeros_like(Wh), Wx.new_zeros(4 * H)
    for t in range(len(kept) - 1, -1, -1):
        before, old, s, g, c, _ = kept[t]
        dh = dh + grad_h[:, t]
        tc = torch.tanh(c)
        dc = dc + dh * s[:, 2] * (1 - tc**2)
        up = torch.stack([dc * g, dc * old, dh * tc], 1) * s * (1 - s)
        da = torch.cat([up.reshape(n, 3 * H), dc * s[:, 0] * (1 - g**2)], 1)
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += before.T @ da
        db += da.sum(0)
        dh, dc = da @ Wh.T, dc * s[:, 1]
    return dx, dh, dWx, dWh, db
