"""Number by number, in Python's own floats."""

import math

import torch


def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    beta1, beta2 = betas
    rows = []
    flat = (t.flatten().tolist() for t in (weight, grad, m, v))
    for w, g, a, b in zip(*flat):
        a = beta1 * a + (1 - beta1) * g
        b = beta2 * b + (1 - beta2) * g * g
        a_hat, b_hat = a / (1 - beta1**step), b / (1 - beta2**step)
        rows.append((w - lr * a_hat / (math.sqrt(b_hat) + eps) - lr * weight_decay * w, a, b))
    columns = torch.tensor(rows, dtype=weight.dtype, device=weight.device).unbind(1)
    return tuple(column.reshape(weight.shape) for column in columns)
