from math import sqrt

import torch


def xavier_normal_(tensor, gain=1.0, generator=None):
    kernel_size = 1
    for d in range(2, tensor.dim()):
        kernel_size = kernel_size * tensor.size(d)
    fan_in = tensor.size(1) * kernel_size
    fan_out = tensor.size(0) * kernel_size
    deviation = sqrt(gain * gain * 2.0 / (fan_in + fan_out))
    for column in range(tensor.size(1)):
        values = torch.empty_like(tensor[:, column]).normal_(generator=generator)
        tensor[:, column] = deviation * values
    return tensor
