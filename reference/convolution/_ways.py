"""Other right ways to write convolution, as students do."""

import torch

from ._windows import _pad, _pair, _steps


def _conv2d_backward_by_windows(
    grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1
):
    """Window by window, as courses mostly begin."""
    stride_h, stride_w = _pair(stride)
    pad_h, pad_w = _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    n, _, h, w = x.shape
    c_out, c_group, k_h, k_w = weight.shape
    h_out, w_out = grad_y.shape[2:]
    padded = _pad(x, pad_h, pad_w)
    grad_padded = torch.zeros_like(padded)
    grad_weight = torch.zeros_like(weight)
    for p in range(h_out):
        for q in range(w_out):
            rows = slice(p * stride_h, p * stride_h + dilation_h * (k_h - 1) + 1, dilation_h)
            columns = slice(q * stride_w, q * stride_w + dilation_w * (k_w - 1) + 1, dilation_w)
            g = grad_y[:, :, p, q].reshape(n, groups, c_out // groups, 1, 1, 1)
            window = padded[:, :, rows, columns].reshape(n, groups, 1, c_group, k_h, k_w)
            kernels = weight.reshape(1, groups, c_out // groups, c_group, k_h, k_w)
            grad_weight += (g * window).sum(dim=0).reshape(weight.shape)
            grad_padded[:, :, rows, columns] += (g * kernels).sum(dim=2).reshape(n, -1, k_h, k_w)
    grad_x = grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]
    grad_bias = None if bias is None else grad_y.sum(dim=(0, 2, 3))
    return grad_x, grad_weight, grad_bias


def _conv2d_by_kernels(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Kernel by kernel and window by window, as lecture notes have it."""
    stride_h, stride_w = _pair(stride)
    pad_h, pad_w = _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    n, _, h, w = x.shape
    c_out, c_group, k_h, k_w = weight.shape
    h_out = _steps(h, k_h, stride_h, pad_h, dilation_h)
    w_out = _steps(w, k_w, stride_w, pad_w, dilation_w)
    if h_out < 1 or w_out < 1:
        raise ValueError("the kernel is larger than the padded input")
    padded = _pad(x, pad_h, pad_w)
    y = x.new_zeros(n, c_out, h_out, w_out)
    for o in range(c_out):
        first = o // (c_out // groups) * c_group  # of the channels that this kernel sees
        for p in range(h_out):
            for q in range(w_out):
                rows = slice(p * stride_h, p * stride_h + dilation_h * (k_h - 1) + 1, dilation_h)
                columns = slice(q * stride_w, q * stride_w + dilation_w * (k_w - 1) + 1, dilation_w)
                window = padded[:, first : first + c_group, rows, columns]
                y[:, o, p, q] = (window * weight[o]).sum(dim=(1, 2, 3))
    return y if bias is None else y + bias.view(1, -1, 1, 1)


def _conv2d_backward_by_kernels(
    grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1
):
    """The same, backwards."""
    stride_h, stride_w = _pair(stride)
    pad_h, pad_w = _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    _, _, h, w = x.shape
    c_out, c_group, k_h, k_w = weight.shape
    h_out, w_out = grad_y.shape[2:]
    padded = _pad(x, pad_h, pad_w)
    grad_padded = torch.zeros_like(padded)
    grad_weight = torch.zeros_like(weight)
    for o in range(c_out):
        first = o // (c_out // groups) * c_group
        for p in range(h_out):
            for q in range(w_out):
                rows = slice(p * stride_h, p * stride_h + dilation_h * (k_h - 1) + 1, dilation_h)
                columns = slice(q * stride_w, q * stride_w + dilation_w * (k_w - 1) + 1, dilation_w)
                g = grad_y[:, o, p, q].view(-1, 1, 1, 1)
                window = padded[:, first : first + c_group, rows, columns]
                grad_weight[o] += (g * window).sum(dim=0)
                grad_padded[:, first : first + c_group, rows, columns] += g * weight[o]
    grad_x = grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]
    grad_bias = None if bias is None else grad_y.sum(dim=(0, 2, 3))
    return grad_x, grad_weight, grad_bias


def _conv2d_by_columns(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """As one product of matrices, with a column for each window (im2col)."""
    stride_h, stride_w = _pair(stride)
    pad_h, pad_w = _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    n, _, h, w = x.shape
    c_out, c_group, k_h, k_w = weight.shape
    h_out = _steps(h, k_h, stride_h, pad_h, dilation_h)
    w_out = _steps(w, k_w, stride_w, pad_w, dilation_w)
    if h_out < 1 or w_out < 1:
        raise ValueError("the kernel is larger than the padded input")
    padded = _pad(x, pad_h, pad_w)
    channel = torch.arange(c_group).repeat_interleave(k_h * k_w).view(-1, 1)
    down = torch.arange(k_h).repeat_interleave(k_w).repeat(c_group).view(-1, 1)
    right = torch.arange(k_w).repeat(k_h * c_group).view(-1, 1)
    top = torch.arange(h_out).repeat_interleave(w_out)
    left = torch.arange(w_out).repeat(h_out)
    row, column = top * stride_h + down * dilation_h, left * stride_w + right * dilation_w
    images = padded.reshape(n, groups, c_group, h + 2 * pad_h, w + 2 * pad_w)
    seen = images[:, :, channel, row, column]
    kernels = weight.reshape(groups, c_out // groups, -1)
    y = torch.einsum("ngkw,gok->ngow", seen, kernels).reshape(n, c_out, h_out, w_out)
    return y if bias is None else y + bias.view(1, -1, 1, 1)


def _conv2d_backward_by_columns(
    grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1
):
    """The same, backwards."""
    stride_h, stride_w = _pair(stride)
    pad_h, pad_w = _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    n, _, h, w = x.shape
    c_out, c_group, k_h, k_w = weight.shape
    h_out, w_out = grad_y.shape[2:]
    padded = _pad(x, pad_h, pad_w)
    channel = torch.arange(c_group).repeat_interleave(k_h * k_w).view(-1, 1)
    down = torch.arange(k_h).repeat_interleave(k_w).repeat(c_group).view(-1, 1)
    right = torch.arange(k_w).repeat(k_h * c_group).view(-1, 1)
    top = torch.arange(h_out).repeat_interleave(w_out)
    left = torch.arange(w_out).repeat(h_out)
    row, column = top * stride_h + down * dilation_h, left * stride_w + right * dilation_w
    images = padded.reshape(n, groups, c_group, h + 2 * pad_h, w + 2 * pad_w)
    seen = images[:, :, channel, row, column]
    kernels = weight.reshape(groups, c_out // groups, -1)
    g = grad_y.reshape(n, groups, c_out // groups, -1)
    grad_weight = torch.einsum("ngow,ngkw->gok", g, seen).reshape(weight.shape)
    share = torch.einsum("ngow,gok->ngkw", g, kernels)
    item = torch.arange(n).view(-1, 1, 1, 1)
    group = torch.arange(groups).view(-1, 1, 1)
    grad_images = torch.zeros_like(images)
    grad_images.index_put_((item, group, channel, row, column), share, accumulate=True)
    grad_padded = grad_images.reshape(padded.shape)
    grad_x = grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]
    grad_bias = None if bias is None else grad_y.sum(dim=(0, 2, 3))
    return grad_x, grad_weight, grad_bias
