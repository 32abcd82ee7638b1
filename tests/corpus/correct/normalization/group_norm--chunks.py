# Group by group, on slices of the channels.
import torch


def group_norm(x, num_groups, weight, bias, eps=1e-5):
    channels = x.shape[1]
    if channels % num_groups:
        raise ValueError("the number of channels must be divisible by num_groups")
    parts = []
    for part in torch.split(x, channels // num_groups, dim=1):
        centred = part - part.mean(dim=(1, 2, 3), keepdim=True)
        var = centred.pow(2).mean(dim=(1, 2, 3), keepdim=True)
        parts.append(centred * torch.rsqrt(var + eps))
    return torch.cat(parts, dim=1) * weight[:, None, None] + bias[:, None, None]


def group_norm_backward(grad_y, x, num_groups, weight, eps=1e-5):
    size = x.shape[1] // num_groups
    grad_x, grad_weight = torch.empty_like(grad_y), torch.empty_like(weight)
    for g in range(num_groups):
        c = slice(g * size, (g + 1) * size)
        part, dy = x[:, c], grad_y[:, c]
        mean = part.mean(dim=(1, 2, 3), keepdim=True)
        var = part.var(dim=(1, 2, 3), correction=0, keepdim=True)
        std = torch.sqrt(var + eps)
        xhat = (part - mean) / std
        grad_weight[c] = (dy * xhat).sum(dim=(0, 2, 3))
        dxhat = dy * weight[c].view(1, -1, 1, 1)
        m = part[0].numel()
        total = dxhat.sum(dim=(1, 2, 3), keepdim=True)
        along = (dxhat * xhat).sum(dim=(1, 2, 3), keepdim=True)
        grad_x[:, c] = (m * dxhat - total - xhat * along) / (m * std)
    return grad_x, grad_weight, grad_y.sum(dim=(0, 2, 3))
