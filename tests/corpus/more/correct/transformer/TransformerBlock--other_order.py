"""Parts are made in another order, and weights are put in one by one."""

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


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight, over the last dimension (Zhang & Sennrich 2019).

    Parameters:
        weight: `(d_model,)`, at first ones.
    """

    def __init__(self, d_model, eps=1e-5):
        """Make the weight."""
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        """y, of the shape of x, `(..., d_model)`."""
        mean_square = (x**2).mean(dim=-1, keepdim=True)
        return x / torch.sqrt(mean_square + self.eps) * self.weight


class SwiGLU(nn.Module):
    """W2 (silu(W1 x) * W3 x), with silu(z) = z * sigmoid(z) (Shazeer 2020).

    Parameters:
        w1.weight, w3.weight: `(d_ff, d_model)`; w2.weight: `(d_model, d_ff)`.
    """

    def __init__(self, d_model, d_ff):
        """Make w1, w2 and w3, each a Linear."""
        super().__init__()
        self.w1, self.w3 = Linear(d_model, d_ff), Linear(d_model, d_ff)
        self.w2 = Linear(d_ff, d_model)

    def forward(self, x):
        """y, of the shape of x, `(..., d_model)`."""
        gate = self.w1(x)
        return self.w2(gate * torch.sigmoid(gate) * self.w3(x))


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


def attention(q, k, v, mask=None):
    """Scaled dot-product attention (Vaswani et al. 2017): softmax(q k^T / sqrt(d)) v.

    Args:
        q: `(..., T, d)`; k: `(..., S, d)`; v: `(..., S, e)`.
        mask: `(T, S)`, bool: where it is False, that key is not attended to. None allows all.

    Returns:
        out `(..., T, e)`. Scores may have any finite size.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return weights / weights.sum(dim=-1, keepdim=True) @ v


class CausalSelfAttention(nn.Module):
    """Multi-head self-attention in which no position looks ahead, with rotary positions.

    Queries, keys and values are cut into num_heads parts of d_model / num_heads columns, the first
    part for the first head; queries and keys are turned by their positions; heads are put side by
    side again and go through o_proj.

    Parameters:
        q_proj.weight, k_proj.weight, v_proj.weight, o_proj.weight: `(d_model, d_model)`.
    """

    def __init__(self, d_model, num_heads, theta=10000.0):
        """Make the four projections, each a Linear.

        Raises:
            ValueError: d_model is not a multiple of num_heads.
        """
        super().__init__()
        if d_model % num_heads:
            raise ValueError("heads must have equally many dimensions")
        self.num_heads, self.theta = num_heads, theta
        self.q_proj, self.k_proj = Linear(d_model, d_model), Linear(d_model, d_model)
        self.v_proj, self.o_proj = Linear(d_model, d_model), Linear(d_model, d_model)

    def forward(self, x):
        """y `(..., T, d_model)` of x `(..., T, d_model)`."""
        steps = x.shape[-2]
        positions = torch.arange(steps, device=x.device)
        q = rotary(self._heads(self.q_proj(x)), positions, self.theta)
        k = rotary(self._heads(self.k_proj(x)), positions, self.theta)
        past = positions[:, None] >= positions
        out = attention(q, k, self._heads(self.v_proj(x)), past)
        return self.o_proj(out.transpose(-3, -2).flatten(-2))

    def _heads(self, x):
        """`(..., T, d_model)` as `(..., heads, T, d_model / heads)`."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)


class TransformerBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff):
        super().__init__()
        self.ffn, self.attn = SwiGLU(d_model, d_ff), CausalSelfAttention(d_model, num_heads)
        self.ln2, self.ln1 = RMSNorm(d_model), RMSNorm(d_model)

    def forward(self, x):
        attended = self.attn(self.ln1(x))
        return x + attended + self.ffn(self.ln2(x + attended))


def run_transformer_block(weights, x, num_heads):
    block = TransformerBlock(x.shape[-1], num_heads, weights["ffn.w2.weight"].shape[1])
    parameters = dict(block.named_parameters())
    for name, weight in weights.items():
        parameters[name].data = weight.clone()
    return block(x).detach()
