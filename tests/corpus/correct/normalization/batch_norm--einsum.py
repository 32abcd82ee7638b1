# Sums of products by einsum over (N, C, pixels); mean by a first pass, corrected by a second.
import torch


def three(t):
    return t.reshape(t.shape[0], t.shape[1], -1)


def stats(x):
    m = x.shape[0] * x.shape[2]
    mean = torch.einsum("ncp->c", x) / m
    d = x - mean[:, None]
    correction = torch.einsum("ncp->c", d) / m
    var = torch.einsum("ncp,ncp->c", d, d) / m - correction ** 2
    return m, mean + correction, var


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    x3 = three(x)
    if training:
        m, mean, var = stats(x3)
        if m < 2:
            raise ValueError("more than 1 value per channel expected")
        running_mean.copy_(running_mean - momentum * (running_mean - mean))
        running_var.copy_(running_var - momentum * (running_var - var * (m / (m - 1.0))))
    else:
        mean, var = running_mean, running_var
    a = weight / torch.sqrt(var + eps)
    y = torch.einsum("ncp,c->ncp", x3 - mean[:, None], a) + bias[:, None]
    return y.reshape(x.shape)


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    x3, g3 = three(x), three(grad_y)
    if training:
        m, mean, var = stats(x3)
    else:
        mean, var = running_mean, running_var
    sigma = torch.sqrt(var + eps)
    xhat = (x3 - mean[:, None]) / sigma[:, None]
    grad_weight = torch.einsum("ncp,ncp->c", g3, xhat)
    grad_bias = g3.sum(2).sum(0)
    gx = g3 * weight[:, None]
    if training:
        k1 = weight * grad_bias / m
        k2 = weight * grad_weight / m
        gx = gx - k1[:, None] - torch.einsum("ncp,c->ncp", xhat, k2)
    gx = gx / sigma[:, None]
    return gx.reshape(x.shape), grad_weight, grad_bias
