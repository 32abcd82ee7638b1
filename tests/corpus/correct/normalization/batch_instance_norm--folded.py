# As in the authors' code: weight folded into both gates, two affine maps per channel, one bias.
import torch


def batch_instance_norm(x, running_mean, running_var, rho, weight, bias, training, momentum=0.1,
                        eps=1e-5):
    pixels = x.flatten(2)
    if training:
        if pixels.shape[2] < 2:
            raise ValueError("more than one pixel is needed")
        rows = pixels.transpose(0, 1).flatten(1)
        var, mean = torch.var_mean(rows, 1, correction=0)
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(rows.var(1, correction=1), momentum)
    else:
        mean, var = running_mean, running_var
    ivar, imean = torch.var_mean(pixels, 2, correction=0)
    scale_b = rho * weight / torch.sqrt(var + eps)
    scale_i = (1 - rho) * weight / torch.sqrt(ivar + eps)
    y = (pixels - mean[:, None]) * scale_b[:, None] + (pixels - imean[..., None]) * scale_i[..., None]
    return (y + bias[:, None]).view(x.shape)


def batch_instance_norm_backward(grad_y, x, running_mean, running_var, rho, weight, training,
                                 eps=1e-5):
    p, g = x.flatten(2), grad_y.flatten(2)
    n, c, k = p.shape
    if training:
        mean = p.mean((0, 2))
        var = (p - mean[:, None]).square().mean((0, 2))
    else:
        mean, var = running_mean, running_var
    imean = p.mean(2)
    ivar = (p - imean[..., None]).square().mean(2)
    rb, ri = (var + eps).rsqrt(), (ivar + eps).rsqrt()
    xb = (p - mean[:, None]) * rb[:, None]
    xi = (p - imean[..., None]) * ri[..., None]

    g_nc, gb_c, gi_nc = g.sum(2), (g * xb).sum((0, 2)), (g * xi).sum(2)
    grad_rho = weight * (gb_c - gi_nc.sum(0))
    grad_weight = rho * gb_c + (1 - rho) * gi_nc.sum(0)
    via_b = g
    if training:
        via_b = g - g_nc.sum(0)[:, None] / (n * k) - xb * gb_c[:, None] / (n * k)
    via_i = g - g_nc[..., None] / k - xi * gi_nc[..., None] / k
    grad_x = via_b * (rho * weight * rb)[:, None]
    grad_x = grad_x + via_i * ((1 - rho) * weight * ri)[..., None]
    return grad_x.view(x.shape), grad_rho, grad_weight, g_nc.sum(0)
