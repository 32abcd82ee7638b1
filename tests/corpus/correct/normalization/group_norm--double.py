# Welford's updates over the channels of a group, in float64.
import torch


def group_stats(x, num_groups):
    n, c = x.shape[:2]
    planes = x.double().reshape(n, num_groups, c // num_groups, -1)
    k = planes.shape[3]
    mean = planes[:, :, 0].mean(-1)
    m2 = ((planes[:, :, 0] - mean[..., None]) ** 2).sum(-1)
    for i in range(1, c // num_groups):
        plane = planes[:, :, i]
        other = plane.mean(-1)
        delta = other - mean
        m2 = m2 + ((plane - other[..., None]) ** 2).sum(-1) + delta ** 2 * (k * i * k) / (k * i + k)
        mean = mean + delta / (i + 1)
    var = m2 / (k * (c // num_groups))
    size = c // num_groups
    return (v.repeat_interleave(size, dim=1)[:, :, None, None] for v in (mean, var))


def group_norm(x, num_groups, weight, bias, eps=1e-5):
    if x.shape[1] % num_groups != 0:
        raise ValueError("cannot form groups")
    mean, var = group_stats(x, num_groups)
    scale = weight.double().view(1, -1, 1, 1) * (var + eps).rsqrt()
    return ((x.double() - mean) * scale + bias.double().view(1, -1, 1, 1)).to(x.dtype)


def group_norm_backward(grad_y, x, num_groups, weight, eps=1e-5):
    mean, var = group_stats(x, num_groups)
    rstd = (var + eps).rsqrt()
    xhat = (x.double() - mean) * rstd
    dy = grad_y.double()
    per_channel = dy.sum((2, 3)), (dy * xhat).sum((2, 3))
    n, c = x.shape[:2]
    m = x[0].numel() // num_groups
    means = []
    for s in per_channel:
        total = (s * weight).reshape(n, num_groups, -1).sum(2) / m
        means.append(total.repeat_interleave(c // num_groups, 1)[:, :, None, None])
    grad_x = rstd * (dy * weight.view(1, -1, 1, 1) - means[0] - xhat * means[1])
    grad_bias, grad_weight = (s.sum(0).to(x.dtype) for s in per_channel)
    return grad_x.to(x.dtype), grad_weight, grad_bias
