# The stride of the first dimension of a contiguous tensor is how much one output sees.
import torch


def fan_in_and_fan_out(shape):
    weight = torch.empty(shape)
    if weight.dim() < 2:
        raise ValueError(f"weights have at least two dimensions, not {weight.dim()}")
    return weight[0].numel(), weight.select(1, 0).numel()
