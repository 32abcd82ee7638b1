"""Every product as an einsum, over the axes of the input as they are."""

import numpy as np


def affine_forward(x, w, b):
    flat = np.array([row.ravel() for row in x])
    return np.einsum("nd,dm->nm", flat, w) + b[None, :], {"x": x, "flat": flat, "w": w}


def affine_backward(dout, cache):
    dx = np.einsum("nm,dm->nd", dout, cache["w"]).reshape(cache["x"].shape)
    return dx, np.einsum("nd,nm->dm", cache["flat"], dout), np.einsum("nm->m", dout)
