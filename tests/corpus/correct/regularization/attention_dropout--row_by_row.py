"""One row after the other, in float64, with a number of Python to decide for each weight."""

import math

import torch


def softmax(row):
    e = torch.exp(row - max(row.tolist()))
    return e / math.fsum(e.tolist())


def rows_of(t):
    return t.reshape(-1, t.shape[-1]).double()


def attention_dropout(scores, p=0.1, training=True, generator=None):
    if p > 1 or p < 0:
        raise ValueError("p has to be in [0, 1]")
    like = {"device": scores.device}
    drawn = torch.rand(scores.numel(), generator=generator, dtype=torch.float64, **like)
    drawn = iter(drawn.tolist())
    weights, masks = [], []
    for row in rows_of(scores):
        kept = torch.tensor([not training or next(drawn) < 1 - p for _ in row], **like)
        scale = 1 / (1 - p) if training and p < 1 else 1.0
        weights.append(softmax(row) * kept * scale)
        masks.append(kept)
    weights = torch.stack(weights).reshape(scores.shape).to(scores.dtype)
    return weights, torch.stack(masks).reshape(scores.shape)


def attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True):
    grads = []
    scale = 1 / (1 - p) if training and p < 1 else 1.0
    for g, row, kept in zip(rows_of(grad_weights), rows_of(scores), rows_of(mask)):
        a = softmax(row)
        g = g * kept * scale
        grads.append(a * g - a * torch.dot(a, g))
    return torch.stack(grads).reshape(scores.shape).to(scores.dtype)
