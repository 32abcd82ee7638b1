# The ratio of uniforms would do too; here the polar method of Marsaglia & Bray, by rejection.
import torch


def xavier_normal_(tensor, gain=1.0, generator=None):
    field = 1
    for size in tensor.shape[2:]:
        field *= size
    std = gain * (2.0 / (field * (tensor.shape[0] + tensor.shape[1]))) ** 0.5
    found, missing = [], tensor.numel()
    while missing > 0:
        pairs = torch.rand(
            (2, missing), generator=generator, dtype=torch.float64, device=tensor.device
        ) * 2 - 1
        square = (pairs ** 2).sum(0)
        inside = (square > 0) & (square < 1)
        u, s = pairs[0, inside], square[inside]
        found.append(u * torch.sqrt(-2 * torch.log(s) / s))
        missing -= int(inside.sum())
    z = torch.cat(found)[:tensor.numel()]
    return tensor.copy_(std * z.reshape(tensor.shape))
