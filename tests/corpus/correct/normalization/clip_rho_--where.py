import torch


def clip_rho_(rho):
    clipped = torch.where(rho < 0, torch.zeros_like(rho), rho)
    clipped = torch.where(clipped > 1, torch.ones_like(rho), clipped)
    return rho.copy_(clipped)
