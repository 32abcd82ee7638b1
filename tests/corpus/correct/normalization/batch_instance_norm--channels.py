# One channel at a time, in float64, with small helpers for any set of values.
import torch


def standardise(v, dims, eps, mean=None, var=None):
    if mean is None:
        mean = v.mean(dims, keepdim=True)
        var = v.var(dims, correction=0, keepdim=True)
    std = (var + eps) ** 0.5
    return (v - mean) / std, std


def pull_back(g, xhat, std, dims):
    return (g - g.mean(dims, keepdim=True) - xhat * (g * xhat).mean(dims, keepdim=True)) / std


def batch_instance_norm(x, running_mean, running_var, rho, weight, bias, training, momentum=0.1,
                        eps=1e-5):
    if training and x.shape[2] * x.shape[3] == 1:
        raise ValueError("training needs more than one pixel")
    y = torch.empty_like(x)
    for c in range(x.shape[1]):
        v = x[:, c].double()
        xi, _ = standardise(v, (1, 2), eps)
        if training:
            xb, _ = standardise(v, (0, 1, 2), eps)
            running_mean[c] += momentum * (v.mean() - running_mean[c])
            running_var[c] += momentum * (v.var(correction=1) - running_var[c])
        else:
            xb, _ = standardise(v, None, eps, running_mean[c].double(), running_var[c].double())
        r = float(rho[c])
        y[:, c] = (r * xb + (1 - r) * xi) * float(weight[c]) + float(bias[c])
    return y


def batch_instance_norm_backward(grad_y, x, running_mean, running_var, rho, weight, training,
                                 eps=1e-5):
    grad_x = torch.empty_like(x)
    grad_rho, grad_weight, grad_bias = (torch.empty_like(rho) for _ in range(3))
    for c in range(x.shape[1]):
        v, g = x[:, c].double(), grad_y[:, c].double()
        r, w = float(rho[c]), float(weight[c])
        xi, si = standardise(v, (1, 2), eps)
        di = pull_back(g, xi, si, (1, 2))
        if training:
            xb, sb = standardise(v, (0, 1, 2), eps)
            db = pull_back(g, xb, sb, (0, 1, 2))
        else:
            xb, sb = standardise(v, None, eps, running_mean[c].double(), running_var[c].double())
            db = g / sb
        grad_x[:, c] = w * (r * db + (1 - r) * di)
        grad_rho[c] = w * (g * xb - g * xi).sum()
        grad_weight[c] = (g * (r * xb + (1 - r) * xi)).sum()
        grad_bias[c] = g.sum()
    return grad_x, grad_rho, grad_weight, grad_bias
