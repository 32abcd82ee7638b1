# One pass over the data in float64, cast back at the end.
import torch


def moments(x):
    dims = (0,) if x.dim() == 2 else (0, 2, 3)
    xd = x.double()
    m = x.numel() // x.shape[1]
    mean = xd.sum(dims) / m
    var = (xd * xd).sum(dims) / m - mean * mean
    return m, mean, var.clamp(min=0)


def wide(v, x):
    return v.double().reshape((1, -1) + (1,) * (x.dim() - 2))


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        m, mean, var = moments(x)
        if m <= 1:
            raise ValueError(f"got only {m} value per channel, size {tuple(x.shape)}")
        running_mean[:] = (1 - momentum) * running_mean + momentum * mean
        running_var[:] = (1 - momentum) * running_var + momentum * (var * (m / (m - 1)))
    scale = wide(weight, x) / torch.sqrt(wide(var, x) + eps)
    shift = wide(bias, x) - wide(mean, x) * scale
    return (x.double() * scale + shift).to(x.dtype)


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    dims = (0,) if x.dim() == 2 else (0, 2, 3)
    dy, xd = grad_y.double(), x.double()
    mean, var = running_mean, running_var
    if training:
        m, mean, var = moments(x)
    rstd = (wide(var, x) + eps) ** -0.5
    sum_dy = dy.sum(dims)
    sum_dy_xmu = (dy * (xd - wide(mean, x))).sum(dims)
    grad_weight = sum_dy_xmu * rstd.flatten()
    dx = dy
    if training:
        proj = (xd - wide(mean, x)) * wide(sum_dy_xmu, x) * rstd ** 2
        dx = dx - (wide(sum_dy, x) + proj) / m
    dx = dx * rstd * wide(weight, x)
    return dx.to(x.dtype), grad_weight.to(x.dtype), sum_dy.to(x.dtype)
