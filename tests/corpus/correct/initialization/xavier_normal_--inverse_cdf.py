import torch


def xavier_normal_(tensor, gain=1.0, generator=None):
    fan_in = tensor[0].numel()
    fan_out = tensor.transpose(0, 1)[0].numel()
    average = (fan_in + fan_out) / 2
    u = torch.rand(tensor.shape, generator=generator, dtype=torch.float64, device=tensor.device)
    return tensor.copy_(torch.special.ndtri(u) * gain / average ** 0.5)
