"""Scaled before the product; masked scores get a very negative number."""

import torch


def attention(q, k, v, mask=None):
    d = q.shape[-1]
    scores = torch.einsum("...td,...sd->...ts", q / d**0.5, k)
    if mask is not None:
        scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
    e = (scores - scores.max(-1, keepdim=True).values).exp()
    return torch.einsum("...ts,...se->...te", e / e.sum(-1, keepdim=True), v)
