# One pass in float64.
import torch


def moments(x, shape):
    flat = x.double().reshape(-1, shape.numel())
    mean = flat.mean(1, keepdim=True)
    var = ((flat * flat).mean(1, keepdim=True) - mean * mean).clamp(min=0)
    return flat, mean, var


def layer_norm(x, weight, bias, eps=1e-5):
    flat, mean, var = moments(x, weight.shape)
    y = (flat - mean) / torch.sqrt(var + eps)
    y = y * weight.double().reshape(1, -1) + bias.double().reshape(1, -1)
    return y.reshape(x.shape).to(x.dtype)


def layer_norm_backward(grad_y, x, weight, eps=1e-5):
    flat, mean, var = moments(x, weight.shape)
    g = grad_y.double().reshape(flat.shape)
    rstd = 1 / torch.sqrt(var + eps)
    xhat = (flat - mean) * rstd
    gw = g * weight.double().reshape(1, -1)
    c1 = (gw * xhat).mean(1, keepdim=True)
    c2 = gw.mean(1, keepdim=True)
    grads = (gw - (xhat * c1 + c2)) * rstd, (g * xhat).sum(0), g.sum(0)
    shapes = x.shape, weight.shape, weight.shape
    return tuple(t.reshape(shape).to(x.dtype) for t, shape in zip(grads, shapes))
