"""A query at a time, over the keys that it may see."""

import torch


def attention(q, k, v, mask=None):
    rows = []
    for t in range(q.shape[-2]):
        seen = torch.arange(k.shape[-2], device=k.device) if mask is None else mask[t].nonzero()[:, 0]
        keys, values = k[..., seen, :], v[..., seen, :]
        scores = (keys @ q[..., t, :, None])[..., 0] * q.shape[-1] ** -0.5
        weights = torch.exp(scores - torch.logsumexp(scores, -1, keepdim=True))
        rows.append((weights[..., None] * values).sum(-2))
    return torch.stack(rows, dim=-2)
