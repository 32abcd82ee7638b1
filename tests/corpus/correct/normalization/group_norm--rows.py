# Every group of every image is a row of a matrix.
import torch


def group_norm(x, num_groups, weight, bias, eps=1e-5):
    n, c, h, w = x.shape
    if c // num_groups * num_groups != c:
        raise ValueError(f"{c} % {num_groups} != 0")
    rows = x.reshape(n * num_groups, -1)
    var, mean = torch.var_mean(rows, dim=1, correction=0, keepdim=True)
    xhat = ((rows - mean) / (var + eps).sqrt()).reshape(n, c, h * w)
    return torch.baddbmm(bias.view(1, c, 1), torch.diag(weight).expand(n, c, c), xhat).view(n, c, h, w)


def group_norm_backward(grad_y, x, num_groups, weight, eps=1e-5):
    n, c, h, w = x.shape
    rows = x.reshape(n * num_groups, -1)
    m = rows.shape[1]
    xmu = rows - rows.mean(1, keepdim=True)
    var = (xmu * xmu).mean(1, keepdim=True)
    istd = (var + eps) ** -0.5
    dy = grad_y.reshape(n, c, h * w)
    dbias = dy.sum((0, 2))
    dweight = (dy * (xmu * istd).reshape(dy.shape)).sum((0, 2))
    dxhat = (dy * weight.view(c, 1)).reshape(rows.shape)
    dvar = (dxhat * xmu).sum(1, keepdim=True) * -0.5 * istd ** 3
    dmean = -(dxhat * istd).sum(1, keepdim=True)
    dx = dxhat * istd + 2 / m * xmu * dvar + dmean / m
    return dx.reshape(x.shape), dweight, dbias
