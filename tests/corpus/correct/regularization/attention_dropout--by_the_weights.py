"""Backward in terms of the dropped weights themselves; exponential waiting times decide."""

import math

import torch


def parts(scores):
    e = (scores - scores.max(-1, keepdim=True)[0]).exp()
    return e, e.sum(-1, keepdim=True).reciprocal()


def attention_dropout(scores, p=0.1, training=True, generator=None):
    if p < 0.0 or p > 1.0:
        raise ValueError("not a probability")
    e, share = parts(scores)
    if not training:
        return e * share, torch.ones(scores.shape, dtype=torch.bool, device=scores.device)
    u = torch.rand(scores.shape, generator=generator, dtype=torch.float64, device=scores.device)
    mask = -torch.log1p(-u) >= (-math.log1p(-p) if p < 1 else math.inf)
    weights = torch.zeros_like(e)
    weights[mask] = (e * share)[mask] / (1 - p if p < 1 else 1)
    return weights, mask


def attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True):
    e, share = parts(scores)
    factor = 0.0 if p == 1 else 1 / (1 - p)
    kept = mask.to(scores.dtype) * factor if training else 1.0
    pulled = kept * grad_weights * e
    return share * (pulled - e * share * pulled.sum(-1, keepdim=True))
