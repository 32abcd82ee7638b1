# Sums over groups through a matrix that says which channel is in which group.
import torch


def membership(c, num_groups, like):
    group = torch.arange(c, device=like.device) // (c // num_groups)
    return (group[:, None] == torch.arange(num_groups, device=like.device)).to(like.dtype)


def group_mean(t, member):
    """Means over each group's values, given back to each channel: (N, C, 1, 1)."""
    per_channel = t.mean(dim=(2, 3))
    share = member / member.sum(0)
    return (per_channel @ share @ member.t())[:, :, None, None]


def group_norm(x, num_groups, weight, bias, eps=1e-5):
    if x.shape[1] % num_groups > 0:
        raise ValueError("groups of unequal size")
    member = membership(x.shape[1], num_groups, x)
    centred = x - group_mean(x, member)
    var = group_mean(centred ** 2, member)
    return centred / torch.sqrt(var + eps) * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)


def group_norm_backward(grad_y, x, num_groups, weight, eps=1e-5):
    member = membership(x.shape[1], num_groups, x)
    centred = x - group_mean(x, member)
    std = torch.sqrt(group_mean(centred ** 2, member) + eps)
    xhat = centred / std
    g = grad_y * weight.view(-1, 1, 1)
    grad_x = (g - group_mean(g, member) - xhat * group_mean(g * xhat, member)) / std
    return grad_x, (grad_y * xhat).sum((0, 2, 3)), grad_y.sum((0, 2, 3))
