"""Kingma and Ba's more efficient order: both corrections in the step size, and eps scaled along."""


def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    b1, b2 = betas
    m = m + (1 - b1) * (grad - m)
    v = v + (1 - b2) * (grad * grad - v)
    root = (1 - b2**step) ** 0.5
    size = lr * root / (1 - b1**step)
    moved = weight - size * m / (v**0.5 + eps * root)
    return moved - lr * weight_decay * weight, m, v
