"""A product with one-hot rows."""

import torch
from torch import nn


class Embedding(nn.Module):
    def __init__(self, num_tokens, d_model):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_tokens, d_model))

    def forward(self, tokens):
        numbers = torch.arange(len(self.weight), device=tokens.device)
        return (tokens[..., None] == numbers).to(self.weight.dtype) @ self.weight
