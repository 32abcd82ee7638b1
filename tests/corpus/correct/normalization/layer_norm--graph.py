# Node by node through the computation graph, without the closed formula.
import torch


def layer_norm(x, weight, bias, eps=1e-5):
    dims = list(range(x.dim() - weight.dim(), x.dim()))
    var, mean = torch.var_mean(x, dim=dims, correction=0, keepdim=True)
    return (x - mean) * (var + eps).rsqrt() * weight + bias


def layer_norm_backward(grad_y, x, weight, eps=1e-5):
    lead = list(range(x.dim() - weight.dim()))
    dims = list(range(x.dim() - weight.dim(), x.dim()))
    d = weight.numel()

    mean = x.mean(dims, keepdim=True)
    xmu = x - mean
    var = (xmu * xmu).mean(dims, keepdim=True)
    istd = (var + eps).pow(-0.5)
    xhat = xmu * istd

    grad_bias = grad_y.sum(lead) if lead else grad_y.clone()
    grad_weight = (grad_y * xhat).sum(lead) if lead else grad_y * xhat
    dxhat = grad_y * weight
    distd = (dxhat * xmu).sum(dims, keepdim=True)
    dvar = distd * -0.5 * (var + eps).pow(-1.5)
    dxmu = dxhat * istd + dvar * 2 * xmu / d
    dmean = -dxmu.sum(dims, keepdim=True)
    return dxmu + dmean / d, grad_weight, grad_bias
