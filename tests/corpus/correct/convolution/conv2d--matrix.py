# A convolution is linear: write out its matrix, in float64, and the backward is the transpose.
import torch


def two(v):
    return list(v) if isinstance(v, (tuple, list)) else [v, v]


def placement(size, kernel, stride, padding, dilation, like):
    """P[k, o, i] = 1 where output o meets input i with the kernel's element k."""
    steps = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    if steps <= 0:
        raise ValueError("kernel larger than padded input")
    k = torch.arange(kernel, device=like.device).view(-1, 1, 1)
    o = torch.arange(steps, device=like.device).view(1, -1, 1)
    i = torch.arange(size, device=like.device).view(1, 1, -1)
    return (o * stride + k * dilation - padding == i).to(torch.float64)


def block_weight(weight, groups):
    """(F, C/G, KH, KW) -> (F, C, KH, KW), zero outside each kernel's own group."""
    f, cg, kh, kw = weight.shape
    full = torch.zeros(f, cg * groups, kh, kw, dtype=torch.float64, device=weight.device)
    for g, block in enumerate(weight.split(f // groups)):
        full[g * (f // groups):(g + 1) * (f // groups), g * cg:(g + 1) * cg] = block
    return full


def parts(x, weight, stride, padding, dilation):
    rows, cols = (
        placement(x.shape[2 + a], weight.shape[2 + a], two(stride)[a], two(padding)[a],
                  two(dilation)[a], x)
        for a in (0, 1)
    )
    return rows, cols


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    rows, cols = parts(x, weight, stride, padding, dilation)
    full = block_weight(weight, groups)
    kernel_rows = torch.einsum("fcij,iph->fcjph", full, rows)
    matrix = torch.einsum("fcjph,jqw->fpqchw", kernel_rows, cols)
    y = torch.tensordot(x.double(), matrix, dims=([1, 2, 3], [3, 4, 5]))
    if bias is not None:
        y = y + bias.double().view(1, -1, 1, 1)
    return y.to(x.dtype)


def conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    rows, cols = parts(x, weight, stride, padding, dilation)
    full = block_weight(weight, groups)
    kernel_rows = torch.einsum("fcij,iph->fcjph", full, rows)
    matrix = torch.einsum("fcjph,jqw->fpqchw", kernel_rows, cols)
    g = grad_y.double()
    grad_x = torch.tensordot(g, matrix, dims=([1, 2, 3], [0, 1, 2]))

    moved = torch.einsum("nchw,iph->ncipw", x.double(), rows)
    moved = torch.einsum("ncipw,jqw->ncijpq", moved, cols)
    grad_full = torch.einsum("nfpq,ncijpq->fcij", g, moved)
    f, cg = weight.shape[:2]
    grad_weight = torch.cat([
        block[:, i * cg:(i + 1) * cg] for i, block in enumerate(grad_full.split(f // groups))
    ])
    grad_bias = g.sum((0, 2, 3)).to(bias.dtype) if bias is not None else None
    return grad_x.to(x.dtype), grad_weight.to(weight.dtype), grad_bias
