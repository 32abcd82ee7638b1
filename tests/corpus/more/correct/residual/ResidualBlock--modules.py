import torch
from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(channels, channels, 3, 3) * (2 / channels) ** 0.5 / 3)
        self.w2 = nn.Parameter(torch.randn(channels, channels, 3, 3) * (2 / channels) ** 0.5 / 30)

    def forward(self, x):
        h = torch.conv2d(x, self.w1, None, 1, 1).clamp(min=0)
        return (torch.conv2d(h, self.w2, None, 1, 1) + x).clamp(min=0)
