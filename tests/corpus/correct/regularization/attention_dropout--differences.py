"""Each weight from the differences to all scores of its row: 1 / sum of exp(s_j - s_k); the angle
of two normal numbers decides."""

import math

import torch


def attention_of(scores):
    differences = scores[..., None, :] - scores[..., :, None]  # [k, j] = s_j - s_k
    return 1 / differences.exp().sum(-1)  # an exponential may overflow: 1 / inf is 0


def attention_dropout(scores, p=0.1, training=True, generator=None):
    if not 0 <= p <= 1:
        raise ValueError(p)
    attention = attention_of(scores)
    if not training or p == 0:
        return attention, torch.ones_like(attention).bool()
    if p == 1:
        return attention * 0, torch.zeros_like(attention).bool()
    pairs = torch.randn(2, *scores.shape, generator=generator, device=scores.device)
    turn = torch.atan2(pairs[0].double(), pairs[1].double()) / (2 * math.pi) + 0.5
    mask = turn > p
    return torch.where(mask, attention / (1 - p), torch.zeros_like(attention)), mask


def attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True):
    attention = attention_of(scores)
    gradient = grad_weights
    if training:
        gradient = torch.where(mask, grad_weights / (1 - p if p < 1 else 1), 0 * grad_weights)
    differences = gradient[..., :, None] - gradient[..., None, :]  # [k, j] = g_k - g_j
    return attention * (differences @ attention[..., None])[..., 0]
