# A fine grid: random integers, divided.
import torch


def xavier_uniform_(tensor, gain=1.0, generator=None):
    fan_in, fan_out = tensor[0].numel(), tensor[:, 0].numel()
    bound = (6.0 * gain ** 2 / (fan_in + fan_out)) ** 0.5
    steps = 2 ** 40
    k = torch.randint(-steps, steps + 1, tensor.shape, generator=generator, device=tensor.device)
    tensor.copy_(k.double() * (bound / steps))
    return tensor
