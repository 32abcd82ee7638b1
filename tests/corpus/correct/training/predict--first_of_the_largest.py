import torch


def predict(logits):
    largest = logits == logits.amax(1, keepdim=True)
    places = torch.arange(logits.shape[1], device=logits.device).expand_as(logits)
    return torch.where(largest, places, logits.shape[1]).amin(1)
