"""A sample at a time; the cache is an object of a class."""

import numpy as np


class Cache:
    def __init__(self, x, w):
        self.x, self.w = x, w


def affine_forward(x, w, b):
    out = np.stack([sample.reshape(-1).dot(w) + b for sample in x])
    return out, Cache(x, w)


def affine_backward(dout, cache):
    dx, dw = np.zeros_like(cache.x), np.zeros_like(cache.w)
    db = np.zeros(cache.w.shape[1], dtype=cache.w.dtype)
    for n, upstream in enumerate(dout):
        dx[n] = cache.w.dot(upstream).reshape(cache.x[n].shape)
        dw += np.outer(cache.x[n].reshape(-1), upstream)
        db += upstream
    return dx, dw, db
