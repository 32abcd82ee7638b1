# Node by node, as in the well-known blog post on the staged backward of batch norm.
import torch


def to_rows(t):
    """(N, C, H, W) -> (N*H*W, C); (N, C) stays."""
    if t.dim() == 2:
        return t
    return t.permute(0, 2, 3, 1).reshape(-1, t.shape[1])


def from_rows(rows, like):
    if like.dim() == 2:
        return rows
    n, c, h, w = like.shape
    return rows.reshape(n, h, w, c).permute(0, 3, 1, 2)


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    rows = to_rows(x)
    m = rows.shape[0]
    if training:
        if m == 1:
            raise ValueError("need more than one value")
        mu = rows.mean(0)
        var = rows.var(0, correction=0)
        running_mean.mul_(1 - momentum).add_(mu, alpha=momentum)
        running_var.mul_(1 - momentum).add_(rows.var(0, correction=1), alpha=momentum)
    else:
        mu, var = running_mean.clone(), running_var.clone()
    xhat = (rows - mu) / (var + eps).sqrt()
    return from_rows(weight * xhat + bias, x)


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    rows, dout = to_rows(x), to_rows(grad_y)
    m = rows.shape[0]
    mu = rows.mean(0) if training else running_mean
    xmu = rows - mu
    var = (xmu ** 2).mean(0) if training else running_var
    sqrtvar = (var + eps).sqrt()
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar

    dbeta = dout.sum(0)
    dgamma = (dout * xhat).sum(0)
    dxhat = dout * weight
    if not training:
        return from_rows(dxhat * ivar, x), dgamma, dbeta

    divar = (dxhat * xmu).sum(0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -divar / sqrtvar ** 2
    dvar = 0.5 * ivar * dsqrtvar
    dsq = dvar / m * torch.ones_like(rows)
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -(dxmu1 + dxmu2).sum(0)
    dx2 = dmu / m * torch.ones_like(rows)
    return from_rows(dx1 + dx2, x), dgamma, dbeta
