# In place on copies; the two training paths of the gradient as a projection.
import torch


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    out = x.clone(memory_format=torch.contiguous_format)
    flat = out.transpose(0, 1)  # (C, N, ...), a view of out
    dims = tuple(range(1, flat.dim()))
    tail = (-1,) + (1,) * (flat.dim() - 1)
    if training:
        count = flat[0].numel()
        if count == 1:
            raise ValueError("one value per channel has no variance")
        mean = flat.mean(dims)
        flat -= mean.view(tail)
        sum_sq = flat.square().sum(dims)
        var = sum_sq / count
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(sum_sq / (count - 1), momentum)
    else:
        var = running_var
        flat -= running_mean.view(tail)
    flat /= (var + eps).sqrt().view(tail)
    flat *= weight.view(tail)
    flat += bias.view(tail)
    return out


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    channels = x.shape[1]
    g = grad_y.transpose(0, 1).reshape(channels, -1)
    v = x.transpose(0, 1).reshape(channels, -1).clone()
    if training:
        v -= v.mean(1, keepdim=True)
        var = v.pow(2).mean(1)
    else:
        v -= running_mean[:, None]
        var = running_var
    std = torch.sqrt(var + eps)
    v /= std[:, None]
    grad_weight = torch.einsum("cm,cm->c", g, v)
    grad_bias = torch.einsum("cm->c", g)
    dx = g.clone()
    if training:
        m = g.shape[1]
        # Take out what lies along the constant vector and along x_hat.
        dx -= grad_bias[:, None] / m
        dx -= v * grad_weight[:, None] / m
    dx *= (weight / std)[:, None]
    shape = x.transpose(0, 1).shape
    return dx.reshape(shape).transpose(0, 1), grad_weight, grad_bias
