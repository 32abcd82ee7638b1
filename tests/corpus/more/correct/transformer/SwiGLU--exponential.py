"""silu as a quotient, and bare parameters in holders of their own."""

import torch
from torch import nn


class Holder(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(*shape) / shape[1] ** 0.5)


class SwiGLU(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1, self.w2, self.w3 = Holder(d_ff, d_model), Holder(d_model, d_ff), Holder(d_ff, d_model)

    def forward(self, x):
        a, b = x @ self.w1.weight.mT, x @ self.w3.weight.mT
        return (a / (1 + (-a).exp()) * b) @ self.w2.weight.mT
