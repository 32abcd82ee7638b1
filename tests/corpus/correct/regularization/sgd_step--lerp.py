"""Decay as a step of the way to zero, and float64 inside."""

import torch


def sgd_step(weight, grad, lr, weight_decay=0.0):
    w, g = weight.double(), grad.double()
    shrunk = torch.lerp(w, torch.zeros_like(w), lr * weight_decay)
    return torch.sub(shrunk, g, alpha=lr).to(weight.dtype)
