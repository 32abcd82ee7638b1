# By the convolution theorem; strides and dilations are zeros in between.
import torch


def as_pair(v):
    return (v, v) if isinstance(v, int) else v


def spread(t, step):
    """Put step - 1 zeros between neighbours in the last two dimensions."""
    h, w = t.shape[-2:]
    out = t.new_zeros(*t.shape[:-2], (h - 1) * step[0] + 1, (w - 1) * step[1] + 1)
    out[..., ::step[0], ::step[1]] = t
    return out


def correlate(a, b, equation):
    """All valid shifts of b over a, summed over channels as the equation says."""
    size = a.shape[-2:]
    fa = torch.fft.rfft2(a)
    fb = torch.fft.rfft2(b, s=size)
    full = torch.fft.irfft2(torch.einsum(equation, fa, fb.conj()), s=size)
    return full[..., :a.shape[-2] - b.shape[-2] + 1, :a.shape[-1] - b.shape[-1] + 1]


def framed(x, p):
    n, c, h, w = x.shape
    out = x.new_zeros(n, c, h + 2 * p[0], w + 2 * p[1])
    out[:, :, p[0]:p[0] + h, p[1]:p[1] + w] = x
    return out


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, padding, dilation = as_pair(stride), as_pair(padding), as_pair(dilation)
    a = framed(x, padding)
    b = spread(weight, dilation)
    if b.shape[-2] > a.shape[-2] or b.shape[-1] > a.shape[-1]:
        raise ValueError("the kernel does not fit into the image")
    a = a.unflatten(1, (groups, -1))
    b = b.unflatten(0, (groups, -1))
    y = correlate(a, b, "ngchw,gochw->ngohw").flatten(1, 2)
    y = y[:, :, ::stride[0], ::stride[1]]
    if bias is not None:
        y = y + bias[None, :, None, None]
    return y


def conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, padding, dilation = as_pair(stride), as_pair(padding), as_pair(dilation)
    a = framed(x, padding)
    b = spread(weight, dilation)
    g = spread(grad_y, stride)
    hp, wp = a.shape[-2:]
    # Windows beyond the last step have no gradient: zeros up to the size of stride 1.
    full = g.new_zeros(*g.shape[:2], hp - b.shape[-2] + 1, wp - b.shape[-1] + 1)
    full[:, :, :g.shape[-2], :g.shape[-1]] = g
    g = full.unflatten(1, (groups, -1))

    grad_b = correlate(a.unflatten(1, (groups, -1)), g, "ngchw,ngohw->gochw").flatten(0, 1)
    grad_weight = grad_b[:, :, ::dilation[0], ::dilation[1]]

    fg = torch.fft.rfft2(g, s=(hp, wp))
    fb = torch.fft.rfft2(b.unflatten(0, (groups, -1)), s=(hp, wp))
    grad_a = torch.fft.irfft2(torch.einsum("ngohw,gochw->ngchw", fg, fb), s=(hp, wp)).flatten(1, 2)
    grad_x = grad_a[:, :, padding[0]:hp - padding[0], padding[1]:wp - padding[1]]
    grad_bias = None if bias is None else grad_y.sum((0, 2, 3))
    return grad_x, grad_weight, grad_bias
