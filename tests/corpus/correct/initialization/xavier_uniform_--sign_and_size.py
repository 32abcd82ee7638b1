# A random sign and a random size.
import torch


def xavier_uniform_(tensor, gain=1.0, generator=None):
    fan_in, fan_out = tensor[0].numel(), tensor[:, 0].numel()
    bound = (6.0 * gain ** 2 / (fan_in + fan_out)) ** 0.5
    options = {"generator": generator, "device": tensor.device}
    size = torch.rand(tensor.shape, dtype=torch.float64, **options)
    sign = torch.randint(0, 2, tensor.shape, **options) * 2 - 1
    tensor[...] = bound * size * sign
    return tensor
