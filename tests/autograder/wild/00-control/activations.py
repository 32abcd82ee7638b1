import math
import torch


def sigmoid(x):
    return torch.reciprocal(torch.exp(-x) + 1)


def sigmoid_backward(grad_y, x):
    y = sigmoid(x)
    return grad_y * (y - y * y)


def tanh(x):
    return torch.tanh(x)


def tanh_backward(grad_y, x):
    y = torch.tanh(x)
    return grad_y * (1 - y * y)


def relu(x):
    return torch.clamp(x, min=0)


def relu_backward(grad_y, x):
    return grad_y * (x > 0).to(x.dtype)


def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(grad_y, x, negative_slope=0.01):
    return grad_y * torch.where(x > 0, torch.ones_like(x), torch.full_like(x, negative_slope))


def elu(x, alpha=1.0):
    return torch.where(x > 0, x, alpha * torch.expm1(torch.clamp(x, max=0)))


def elu_backward(grad_y, x, alpha=1.0):
    return grad_y * torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(torch.clamp(x, max=0)))


def gelu(x, approximate="none"):
    if approximate == "none":
        return x * 0.5 * torch.erfc(-x / math.sqrt(2))
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + torch.tanh(u))


def gelu_backward(grad_y, x, approximate="none"):
    if approximate == "none":
        cdf = 0.5 * torch.erfc(-x / math.sqrt(2))
        pdf = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return grad_y * (cdf + x * pdf)
    c = math.sqrt(2 / math.pi)
    u = c * (x + 0.044715 * x**3)
    t = torch.tanh(u)
    return grad_y * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x))
