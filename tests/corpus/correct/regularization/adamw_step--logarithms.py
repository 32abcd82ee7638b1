"""The corrections by expm1, the moments as weighted sums over a stack."""

import math

import torch


def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    def average(old, new, beta):
        shares = torch.tensor([beta, 1 - beta], dtype=old.dtype, device=old.device)
        return torch.einsum("k...,k->...", torch.stack((old, new)), shares)

    m = average(m, grad, betas[0])
    v = average(v, torch.abs(grad) ** 2, betas[1])
    first, second = (-math.expm1(step * math.log(beta)) for beta in betas)
    direction = (m / first).div((v / second).sqrt() + eps)
    return torch.sub(weight, direction + weight_decay * weight, alpha=lr), m, v
