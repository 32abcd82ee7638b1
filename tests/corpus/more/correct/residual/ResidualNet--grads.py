import torch
from torch import nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(channels, channels, 3, 3) * (2 / channels) ** 0.5 / 3)
        self.w2 = nn.Parameter(torch.randn(channels, channels, 3, 3) * (2 / channels) ** 0.5 / 30)

    def forward(self, x):
        h = F.conv2d(x, self.w1, padding=1).relu()
        return (x + F.conv2d(h, self.w2, padding=1)).relu()


class ResidualNet(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.stem = nn.Parameter(torch.empty(channels, 3, 3, 3).normal_(0, (2 / 27) ** 0.5))
        self.blocks = nn.ModuleList([ResidualBlock(channels), ResidualBlock(channels)])
        self.head = nn.Parameter(torch.randn(classes, channels) / (channels / 2) ** 0.5)

    def forward(self, x):
        x = F.conv2d(x, self.stem, padding=1).relu()
        for block in self.blocks:
            x = block(x)
        return torch.einsum("nchw,kc->nk", x, self.head) / (x.shape[2] * x.shape[3])

    def step(self, x, target, lr):
        logits = self(x)
        losses = torch.logsumexp(logits, 1) - logits.gather(1, target.unsqueeze(1)).squeeze(1)
        loss = losses.sum() / len(x)
        parameters = list(self.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=lr)
        return loss
