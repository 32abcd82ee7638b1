# Views of the windows; grad_x gathers: a convolution of the spread-out grad_y with the kernel
# turned by 180 degrees.
import torch


def both(v):
    return v if isinstance(v, tuple) else (v, v)


def windows(x, kernel, stride, dilation):
    """A view (N, C, OH, OW, KH, KW) of all windows."""
    kh, kw = (d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    view = x.unfold(2, kh, stride[0]).unfold(3, kw, stride[1])
    return view[..., ::dilation[0], ::dilation[1]]


def zero_padded(x, top, left, bottom, right):
    n, c, h, w = x.shape
    out = torch.zeros((n, c, h + top + bottom, w + left + right), dtype=x.dtype, device=x.device)
    out[:, :, top:top + h, left:left + w].copy_(x)
    return out


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, (ph, pw), dilation = both(stride), both(padding), both(dilation)
    kernel = weight.shape[2:]
    if (
        dilation[0] * (kernel[0] - 1) + 1 > x.shape[2] + 2 * ph
        or dilation[1] * (kernel[1] - 1) + 1 > x.shape[3] + 2 * pw
    ):
        raise ValueError("input too small")
    seen = windows(zero_padded(x, ph, pw, ph, pw), kernel, stride, dilation)
    ys = [
        torch.tensordot(seen_g, weight_g, dims=([1, 4, 5], [1, 2, 3])).permute(0, 3, 1, 2)
        for seen_g, weight_g in zip(seen.chunk(groups, 1), weight.chunk(groups))
    ]
    y = torch.cat(ys, 1)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


def conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, (ph, pw), dilation = both(stride), both(padding), both(dilation)
    kh, kw = weight.shape[2:]
    n, f, oh, ow = grad_y.shape
    h, w = x.shape[2:]

    seen = windows(zero_padded(x, ph, pw, ph, pw), (kh, kw), stride, dilation)
    grad_weight = torch.cat([
        torch.tensordot(g, s, dims=([0, 2, 3], [0, 2, 3]))
        for g, s in zip(grad_y.chunk(groups, 1), seen.chunk(groups, 1))
    ])

    spread = grad_y.new_zeros(n, f, (oh - 1) * stride[0] + 1, (ow - 1) * stride[1] + 1)
    spread[:, :, ::stride[0], ::stride[1]] = grad_y
    around_h, around_w = dilation[0] * (kh - 1), dilation[1] * (kw - 1)
    # What the strides left over at the bottom and on the right got no gradient.
    rest_h = h + 2 * ph - (spread.shape[2] + around_h)
    rest_w = w + 2 * pw - (spread.shape[3] + around_w)
    framed = zero_padded(spread, around_h, around_w, around_h + rest_h, around_w + rest_w)
    turned = weight.flip(2, 3)
    grads = []
    for g, k in zip(framed.chunk(groups, 1), turned.chunk(groups)):
        full = windows(g, (kh, kw), (1, 1), dilation)
        grads.append(torch.einsum("nohwij,ocij->nchw", full, k))
    grad_x = torch.cat(grads, 1)[:, :, ph:ph + h, pw:pw + w]
    return grad_x, grad_weight, None if bias is None else grad_y.sum(3).sum(2).sum(0)
