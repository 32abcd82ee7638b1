import torch


def fan_in_and_fan_out(shape):
    shape = torch.Size(shape)
    if len(shape) <= 1:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    total = shape.numel()
    return total // shape[0], total // shape[1]
