import torch


def clip_rho_(rho):
    torch.maximum(rho, torch.zeros_like(rho), out=rho)
    torch.minimum(rho, torch.ones_like(rho), out=rho)
    return rho
