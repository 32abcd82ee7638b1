"""Moments by lerp and addcmul on copies, the corrections folded into the step size, as PyTorch's
own loop does it."""

import math

import torch


def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    new = weight.clone().mul_(1 - lr * weight_decay)
    m = torch.lerp(m, grad, 1 - betas[0])
    v = v.clone().mul_(betas[1]).addcmul_(grad, grad, value=1 - betas[1])
    size = lr / (1 - math.pow(betas[0], step))
    root = v.sqrt().div_(math.sqrt(1 - math.pow(betas[1], step))).add_(eps)
    return new.addcdiv_(m, root, value=-size), m, v
