"""The computation graph, node by node, forwards and backwards."""

import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    if bn_param["mode"] not in {"train", "test"}:
        raise ValueError("no such mode")
    eps, keep = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    bn_param.setdefault("running_mean", np.zeros(x.shape[1], x.dtype))
    bn_param.setdefault("running_var", np.zeros(x.shape[1], x.dtype))
    if bn_param["mode"] == "test":
        std = np.sqrt(bn_param["running_var"] + eps)
        x_hat = (x - bn_param["running_mean"]) / std
        return x_hat * gamma + beta, ("test", x_hat, std, gamma)
    mu = np.sum(x, axis=0) / len(x)
    centred = x - mu
    var = np.sum(centred * centred, axis=0) / len(x)
    std = np.sqrt(var + eps)
    bn_param["running_mean"] = keep * bn_param["running_mean"] + (1 - keep) * mu
    bn_param["running_var"] = keep * bn_param["running_var"] + (1 - keep) * var
    return centred / std * gamma + beta, ("train", centred, std, gamma)


def batchnorm_backward(dout, cache):
    mode, kept, std, gamma = cache
    if mode == "test":
        return dout * gamma / std, (dout * kept).sum(0), dout.sum(0)
    n = len(dout)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = -(dx_hat * kept).sum(0) / std**2
    dvar = dstd / (2 * std)
    dcentred = dcentred + 2 * kept * dvar / n
    dmu = -dcentred.sum(0)
    return dcentred + dmu / n, (dout * kept / std).sum(0), dout.sum(0)
