"""Elements are chosen, not multiplied."""

import numpy as np


def dropout_forward(x, dropout_param):
    p = dropout_param["p"]
    if dropout_param["mode"] == "test":
        return 1.0 * x, (np.ones_like(x, dtype=bool), 1.0)
    keep = ~(dropout_param["random"] >= p)
    return np.where(keep, x / p, 0).astype(x.dtype), (keep, p)


def dropout_backward(dout, cache):
    keep, p = cache
    dx = np.zeros_like(dout)
    dx[keep] = dout[keep] / p
    return dx
