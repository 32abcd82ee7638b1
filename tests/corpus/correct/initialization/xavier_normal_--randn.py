import math

import torch


def xavier_normal_(tensor, gain=1.0, generator=None):
    out_channels, in_channels = tensor.shape[:2]
    field = tensor[0, 0].numel()
    variance = 2 / ((out_channels + in_channels) * field)
    noise = torch.randn(
        tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device
    )
    tensor.copy_(noise).mul_(gain * math.sqrt(variance))
    return tensor
