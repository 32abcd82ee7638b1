"""Each gate with weights of its own; sigmoid by tanh."""

import torch


def gate(x, h, Wx, Wh, b, k):
    H = h.shape[1]
    part = slice(k * H, (k + 1) * H)
    return x @ Wx[:, part] + h @ Wh[:, part] + b[part]


def lstm_step(x, h, c, Wx, Wh, b):
    i, f, o = ((1 + torch.tanh(gate(x, h, Wx, Wh, b, k) / 2)) / 2 for k in range(3))
    g = torch.tanh(gate(x, h, Wx, Wh, b, 3))
    new = torch.addcmul(f * c, i, g)
    return o * new.tanh(), new, dict(x=x, h=h, c=c, Wx=Wx, Wh=Wh, gates=(i, f, o, g), new=new)


def lstm_step_backward(grad_h_next, grad_c_next, cache):
    i, f, o, g = cache["gates"]
    t = torch.tanh(cache["new"])
    dc = grad_c_next + grad_h_next * o * (1 - t) * (1 + t)
    slopes = [dc * g * (i - i**2), dc * cache["c"] * (f - f**2), grad_h_next * t * (o - o**2), dc * (i - i * g * g)]
    H = g.shape[1]
    dx = sum(s @ cache["Wx"][:, k * H : (k + 1) * H].T for k, s in enumerate(slopes))
    dh = sum(s @ cache["Wh"][:, k * H : (k + 1) * H].T for k, s in enumerate(slopes))
    dWx = torch.cat([cache["x"].T @ s for s in slopes], 1)
    dWh = torch.cat([cache["h"].T @ s for s in slopes], 1)
    return dx, dh, f * dc, dWx, dWh, torch.cat([s.sum(0) for s in slopes])
