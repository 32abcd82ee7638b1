# y = x_in + rho * (x_bn - x_in), by einsum and lerp; the statistics from image sums.
import torch


def per_image(x):
    k = x.shape[2] * x.shape[3]
    mean = torch.einsum("nchw->nc", x) / k
    d = x - mean[:, :, None, None]
    return k, mean, torch.einsum("nchw,nchw->nc", d, d) / k


def over_batch(mean, var):
    """The law of total variance."""
    total = mean.mean(0)
    return total, var.mean(0) + ((mean - total) ** 2).mean(0)


def normalised(x, mean, var, eps):
    extra = (None, slice(None)) if mean.dim() == 1 else (slice(None), slice(None))
    index = (*extra, None, None)
    return (x - mean[index]) / torch.sqrt(var[index] + eps)


def batch_instance_norm(x, running_mean, running_var, rho, weight, bias, training, momentum=0.1,
                        eps=1e-5):
    k, imean, ivar = per_image(x)
    if k == 1:
        raise ValueError("one pixel")
    if training:
        mean, var = over_batch(imean, ivar)
        count = k * x.shape[0]
        running_mean.copy_(torch.lerp(running_mean, mean, momentum))
        running_var.copy_(torch.lerp(running_var, var * count / (count - 1), momentum))
    else:
        mean, var = running_mean, running_var
    x_in = normalised(x, imean, ivar, eps)
    x_bn = normalised(x, mean, var, eps)
    blend = torch.lerp(x_in, x_bn, rho.view(-1, 1, 1).expand_as(x))
    return torch.einsum("nchw,c->nchw", blend, weight) + bias.view(-1, 1, 1)


def batch_instance_norm_backward(grad_y, x, running_mean, running_var, rho, weight, training,
                                 eps=1e-5):
    k, imean, ivar = per_image(x)
    mean, var = over_batch(imean, ivar) if training else (running_mean, running_var)
    x_in, x_bn = normalised(x, imean, ivar, eps), normalised(x, mean, var, eps)

    def along(a, b):
        return torch.einsum("nchw,nchw->c", a, b)

    grad_weight = along(grad_y, x_in) + rho * along(grad_y, x_bn - x_in)
    grad_rho = torch.einsum("nchw,nchw,c->c", grad_y, x_bn - x_in, weight)
    g_in = torch.einsum("nchw,c->nchw", grad_y, weight - rho * weight)
    mean_in = torch.einsum("nchw->nc", g_in) / k
    proj_in = torch.einsum("nchw,nchw->nc", g_in, x_in) / k
    grad_x = g_in - mean_in[..., None, None] - x_in * proj_in[..., None, None]
    grad_x = grad_x / torch.sqrt(ivar + eps)[..., None, None]
    g_bn = torch.einsum("nchw,c->nchw", grad_y, rho * weight)
    if training:
        g_bn = g_bn - g_bn.mean((0, 2, 3), keepdim=True) - x_bn * (
            along(g_bn, x_bn) / (k * x.shape[0])
        ).view(-1, 1, 1)
    grad_x = grad_x + g_bn / torch.sqrt(var + eps).view(-1, 1, 1)
    return grad_x, grad_rho, grad_weight, grad_y.sum(3).sum(2).sum(0)
