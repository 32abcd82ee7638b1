"""By way of the logarithms; the mask from torch.bernoulli; the whole Jacobian of each row."""

import torch


def log_attention(scores):
    top = scores.max(dim=-1, keepdim=True).values
    return (scores - top) - torch.logsumexp(scores - top, dim=-1, keepdim=True)


def attention_dropout(scores, p=0.1, training=True, generator=None):
    if p < 0 or p > 1:
        raise ValueError("p must lie between 0 and 1")
    share = 1 - p if training else 1.0
    keep = torch.full(scores.shape, share, dtype=torch.float64, device=scores.device)
    mask = torch.bernoulli(keep, generator=generator)
    factor = mask / max(share, 1e-300)
    weights = log_attention(scores).exp() * factor
    return weights.to(scores.dtype), mask > 0


def attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True):
    attention = log_attention(scores).exp()
    upstream = grad_weights
    if training:
        upstream = torch.zeros_like(upstream) if p == 1 else upstream * mask / (1 - p)
    jacobian = torch.diag_embed(attention) - attention[..., :, None] * attention[..., None, :]
    return torch.einsum("...jk,...j->...k", jacobian, upstream)
