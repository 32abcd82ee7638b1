"""The keys moved to the front and back; dropped weights filled in place on a copy; the mask from
normal numbers against the normal quantile of p."""

import math

import torch


def attention_of(scores):
    keys = scores.movedim(-1, 0).clone()
    keys -= keys.amax(0)
    keys.exp_()
    keys /= keys.sum(0)
    return keys


def attention_dropout(scores, p=0.1, training=True, generator=None):
    if not (0.0 <= p <= 1.0):
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    keys = attention_of(scores)
    mask = torch.full(keys.shape, True, device=scores.device)
    if training and p > 0:
        z = torch.empty(keys.shape, dtype=torch.float64, device=scores.device)
        z.normal_(generator=generator)
        mask = 0.5 * (1 + torch.erf(z / math.sqrt(2))) < 1 - p
        keys.masked_fill_(~mask, 0.0)
        keys /= 1 - p if p < 1 else 1
    return keys.movedim(0, -1), mask.movedim(0, -1)


def attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True):
    keys = attention_of(scores)
    upstream = grad_weights.movedim(-1, 0).clone()
    if training:
        upstream.masked_fill_(~mask.movedim(-1, 0), 0.0)
        if p < 1:
            upstream.div_(1 - p)
    mean = torch.einsum("k...,k...->...", keys, upstream)
    upstream.sub_(mean).mul_(keys)
    return upstream.movedim(0, -1)
