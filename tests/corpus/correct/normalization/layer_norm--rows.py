# One slice at a time.
import torch


def layer_norm(x, weight, bias, eps=1e-5):
    slices = x.reshape(-1, weight.numel())
    out = torch.empty_like(slices)
    for i, row in enumerate(slices):
        centred = row - row.sum() / row.numel()
        std = torch.sqrt(centred.dot(centred) / row.numel() + eps)
        out[i] = centred / std * weight.reshape(-1) + bias.reshape(-1)
    return out.reshape(x.shape)


def layer_norm_backward(grad_y, x, weight, eps=1e-5):
    slices = x.reshape(-1, weight.numel())
    grads = grad_y.reshape(-1, weight.numel())
    w = weight.reshape(-1)
    d = w.numel()
    grad_x = torch.empty_like(slices)
    grad_w, grad_b = torch.zeros_like(w), torch.zeros_like(w)
    for i in range(len(slices)):
        centred = slices[i] - slices[i].mean()
        std = torch.sqrt(centred.dot(centred) / d + eps)
        xhat = centred / std
        grad_w += grads[i] * xhat
        grad_b += grads[i]
        dxhat = grads[i] * w
        grad_x[i] = (d * dxhat - dxhat.sum() - xhat * dxhat.dot(xhat)) / (d * std)
    return grad_x.reshape(x.shape), grad_w.reshape(weight.shape), grad_b.reshape(weight.shape)
