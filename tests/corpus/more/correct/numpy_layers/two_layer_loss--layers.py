"""Of layers with caches, and softmax by one-hot rows."""

import numpy as np


def two_layer_loss(params, x, y, reg=0.0):
    W1, b1, W2, b2 = (params[name] for name in ("W1", "b1", "W2", "b2"))
    before = x.dot(W1) + b1
    hidden = before * (before > 0)
    scores = hidden.dot(W2) + b2
    shifted = np.exp(scores - np.amax(scores, axis=1)[:, None])
    p = shifted / shifted.sum(1)[:, None]
    one_hot = np.eye(W2.shape[1], dtype=x.dtype)[y]
    top = scores.max(1)
    log_sum = top + np.log(np.exp(scores - top[:, None]).sum(1))
    data = (log_sum - (scores * one_hot).sum(1)).mean()
    loss = data + reg / 2 * (np.vdot(W1, W1) + np.vdot(W2, W2))
    dscores = (p - one_hot) / x.shape[0]
    dbefore = dscores.dot(W2.T)
    dbefore[before <= 0] = 0
    grads = {}
    grads["b2"], grads["W2"] = dscores.sum(0), hidden.T.dot(dscores) + reg * W2
    grads["b1"], grads["W1"] = dbefore.sum(0), x.T.dot(dbefore) + reg * W1
    return loss, grads
