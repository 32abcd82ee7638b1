# Normalising projects out two directions, the constant one and x_hat: write the matrix down.
import torch


def centring(d, like):
    eye = torch.eye(d, dtype=like.dtype, device=like.device)
    return eye - torch.ones_like(eye) / d


def shifted(x, d):
    """Rows near zero: a shift changes nothing but the rounding."""
    rows = x.reshape(-1, d)
    return rows - (rows.amax(1, keepdim=True) + rows.amin(1, keepdim=True)) / 2


def layer_norm(x, weight, bias, eps=1e-5):
    d = weight.numel()
    rows = shifted(x, d)
    centred = rows @ centring(d, x)
    var = torch.einsum("nd,nd->n", centred, centred) / d
    y = centred / torch.sqrt(var + eps)[:, None]
    return torch.addcmul(bias.reshape(-1), y, weight.reshape(-1)).reshape(x.shape)


def layer_norm_backward(grad_y, x, weight, eps=1e-5):
    d = weight.numel()
    c = centring(d, x)
    rows = shifted(x, d) @ c
    g = grad_y.reshape(-1, d)
    sigma = torch.sqrt((rows ** 2).sum(1) / d + eps)
    xhat = rows / sigma[:, None]
    along = torch.einsum("ni,nj->nij", xhat, xhat) / d
    jacobian = (c - along) / sigma[:, None, None]
    grad_x = torch.einsum("nij,nj->ni", jacobian, g * weight.reshape(-1))
    grad_weight = torch.einsum("nd,nd->d", g, xhat)
    return grad_x.reshape(x.shape), grad_weight.view(weight.shape), g.sum(0).view(weight.shape)
