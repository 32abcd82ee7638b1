"""One torch.bernoulli per channel, applied by einsum."""

import torch


def dropout2d(x, p=0.5, training=True, generator=None):
    if p < 0 or p > 1:
        raise ValueError("p must lie between 0 and 1")
    keep = torch.full(x.shape[:2], 1 - p if training else 1.0, dtype=torch.float64, device=x.device)
    kept = torch.bernoulli(keep, generator=generator)
    factor = kept / keep.clamp(min=1e-300)
    y = torch.einsum("nchw,nc->nchw", x.double(), factor)
    return y.to(x.dtype), kept.bool()[:, :, None, None]
