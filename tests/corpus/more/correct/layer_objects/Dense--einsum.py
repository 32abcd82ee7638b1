"""Einsum, slots, and a memory under another name."""

import numpy as np


class Dense:
    __slots__ = ("W", "b", "dLdW", "dLdb", "seen")

    def __init__(self, in_features, out_features):
        self.W, self.b = np.zeros([out_features, in_features]), np.zeros([out_features])

    def forward(self, X):
        self.seen = X.copy()
        return np.einsum("ni,oi->no", X, self.W) + self.b[None]

    def backward(self, dLdY):
        self.dLdW = np.einsum("no,ni->oi", dLdY, self.seen)
        self.dLdb = np.einsum("no->o", dLdY)
        return np.einsum("no,oi->ni", dLdY, self.W)
