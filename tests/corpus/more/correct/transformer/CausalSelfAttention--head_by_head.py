"""Head by head, put together at the end."""

import math

import torch
from torch import nn


class Linear(nn.Module):
    """y = x W^T, without a bias.

    Parameters:
        weight: `(d_out, d_in)`, at first normal numbers of variance 2 / (d_in + d_out).
    """

    def __init__(self, d_in, d_out):
        """Make the weight."""
        super().__init__()
        std = math.sqrt(2 / (d_in + d_out))
        self.weight = nn.Parameter(std * torch.randn(d_out, d_in))

    def forward(self, x):
        """y `(..., d_out)` of x `(..., d_in)`."""
        return x @ self.weight.T


def rotary(x, positions, theta=10000.0):
    """Rotary position embedding (Su et al. 2021): turn pairs of numbers by an angle.

    The pair (x[2k], x[2k+1]) of a vector of d numbers at position p is turned by p * theta^(-2k/d):
    (a, b) becomes (a cos - b sin, a sin + b cos).

    Args:
        x: `(..., T, d)`, d even; ValueError if it is odd.
        positions: `(T,)`, int64.
        theta: the base.

    Returns:
        turned, of the shape of x.
    """
    d = x.shape[-1]
    if d % 2:
        raise ValueError("rotary positions need an even number of dimensions")
    frequencies = theta ** (-torch.arange(0, d, 2, device=x.device, dtype=x.dtype) / d)
    angles = positions.to(x.dtype)[:, None] * frequencies
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


class CausalSelfAttention(nn.Module):
    def __init__(self, d_model, num_heads, theta=10000.0):
        if d_model % num_heads != 0:
            raise ValueError("heads")
        super().__init__()
        self.h, self.theta = num_heads, theta
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            self.add_module(name, Linear(d_model, d_model))

    def forward(self, x):
        steps, width = x.shape[-2], x.shape[-1] // self.h
        at = torch.arange(steps, device=x.device)
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        heads = []
        for n in range(self.h):
            columns = slice(n * width, (n + 1) * width)
            a, b = rotary(q[..., columns], at, self.theta), rotary(k[..., columns], at, self.theta)
            later = at > at[:, None]
            scores = (a @ b.mT / math.sqrt(width)).masked_fill(later, -math.inf)
            e = torch.exp(scores - scores.amax(-1, keepdim=True))
            heads.append(e / e.sum(-1, keepdim=True) @ v[..., columns])
        return self.o_proj(torch.cat(heads, -1))
