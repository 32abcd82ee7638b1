import torch


def predict(logits):
    return torch.sort(logits, dim=1, descending=True, stable=True)[1][:, 0]
