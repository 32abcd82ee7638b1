"""Sample by sample, gradients added up."""

import numpy as np


def two_layer_loss(params, x, y, reg=0.0):
    grads = {name: reg * value if name[0] == "W" else 0 * value for name, value in params.items()}
    loss = 0.5 * reg * sum(float((params[name] ** 2).sum()) for name in ("W1", "W2"))
    for row, label in zip(x, y):
        a = params["b1"] + row @ params["W1"]
        h = np.where(a > 0, a, 0)
        s = params["b2"] + h @ params["W2"]
        e = np.exp(s - s.max())
        loss -= float(s[label] - s.max() - np.log(e.sum())) / len(x)
        ds = e / e.sum()
        ds[label] -= 1
        ds = ds / len(x)
        da = (params["W2"] @ ds) * (a > 0)
        grads["W2"] = grads["W2"] + np.outer(h, ds)
        grads["b2"] = grads["b2"] + ds
        grads["W1"] = grads["W1"] + np.outer(row, da)
        grads["b1"] = grads["b1"] + da
    return loss, grads
