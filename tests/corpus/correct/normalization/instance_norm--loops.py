# Image by image, channel by channel.
import torch


def instance_norm(x, weight, bias, eps=1e-5):
    if x[0, 0].numel() < 2:
        raise ValueError("expected more than 1 spatial element")
    y = x.clone(memory_format=torch.contiguous_format)
    for n in range(y.shape[0]):
        for c in range(y.shape[1]):
            plane = y[n, c]
            plane -= plane.mean()
            plane /= (plane.square().mean() + eps).sqrt()
            plane *= weight[c]
            plane += bias[c]
    return y


def instance_norm_backward(grad_y, x, weight, eps=1e-5):
    grad_x = torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    grad_weight, grad_bias = torch.zeros_like(weight), torch.zeros_like(weight)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            g = grad_y[n, c]
            centred = x[n, c] - x[n, c].mean()
            std = (centred.square().mean() + eps).sqrt()
            xhat = centred / std
            grad_weight[c] += (g * xhat).sum()
            grad_bias[c] += g.sum()
            grad_x[n, c] = weight[c] / std * (g - g.mean() - xhat * (g * xhat).mean())
    return grad_x, grad_weight, grad_bias
