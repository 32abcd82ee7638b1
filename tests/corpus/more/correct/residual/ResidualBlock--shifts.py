"""Each convolution as nine shifted products."""

import torch
from torch import nn


def convolved(x, w):
    n, _, height, width = x.shape
    padded = x.new_zeros(n, x.shape[1], height + 2, width + 2)
    padded[:, :, 1:-1, 1:-1] = x
    y = 0
    for i in range(3):
        for j in range(3):
            part = padded[:, :, i : i + height, j : j + width]
            y = y + torch.einsum("nchw,dc->ndhw", part, w[:, :, i, j])
    return y


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.w1 = nn.Parameter(torch.empty(channels, channels, 3, 3))
        self.w1.data.normal_(0.0, (2 / (9 * channels)) ** 0.5)
        self.w2 = nn.Parameter(0.1 * torch.empty_like(self.w1).normal_(std=(2 / (9 * channels)) ** 0.5))

    def forward(self, x):
        h = convolved(x, self.w1)
        y = x + convolved(torch.where(h > 0, h, torch.zeros_like(h)), self.w2)
        return torch.where(y > 0, y, torch.zeros_like(y))
