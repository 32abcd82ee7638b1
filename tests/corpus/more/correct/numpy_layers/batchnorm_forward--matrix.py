"""The backward as the Jacobian's product, column by column; averages are updated in place."""

import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    assert_mode(mode)
    for name in ("running_mean", "running_var"):
        bn_param.setdefault(name, np.zeros_like(gamma))
    eps, m = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    if mode == "train":
        mean, var = np.mean(x, 0), np.mean(x**2, 0) - np.mean(x, 0) ** 2
        bn_param["running_mean"] *= m
        bn_param["running_mean"] += (1 - m) * mean
        bn_param["running_var"] *= m
        bn_param["running_var"] += (1 - m) * var
    else:
        mean, var = bn_param["running_mean"], bn_param["running_var"]
    s = (var + eps) ** -0.5
    return gamma * s * x + (beta - gamma * s * mean), [mode, x - mean, s, gamma]


def assert_mode(mode):
    if mode != "train" and mode != "test":
        raise ValueError(mode)


def batchnorm_backward(dout, cache):
    mode, centred, s, gamma = cache
    n = len(dout)
    dx = np.empty_like(dout)
    for d in range(dout.shape[1]):
        jacobian = np.eye(n)
        if mode == "train":
            x_hat = centred[:, d] * s[d]
            jacobian = jacobian - 1 / n - np.outer(x_hat, x_hat) / n
        dx[:, d] = gamma[d] * s[d] * (jacobian.astype(dout.dtype) @ dout[:, d])
    return dx, np.sum(dout * centred * s, 0), np.sum(dout, 0)
