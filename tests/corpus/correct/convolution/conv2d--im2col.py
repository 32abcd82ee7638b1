# im2col: every window becomes a column, the convolution a matrix product; col2im on the way back.
import torch


def pair(v):
    return (v, v) if isinstance(v, int) else v


def window_index(h, w, kh, kw, stride, dilation):
    """Flat index into an (h, w) image of every (kernel element, window), shape (kh*kw, windows)."""
    (sh, sw), (dh, dw) = pair(stride), pair(dilation)
    oh = (h - dh * (kh - 1) - 1) // sh + 1
    ow = (w - dw * (kw - 1) - 1) // sw + 1
    rows = (torch.arange(kh) * dh).view(kh, 1, 1, 1) + (torch.arange(oh) * sh).view(1, 1, oh, 1)
    cols = (torch.arange(kw) * dw).view(1, kw, 1, 1) + (torch.arange(ow) * sw).view(1, 1, 1, ow)
    return (rows * w + cols).reshape(kh * kw, oh * ow), oh, ow


def pad_zeros(x, p):
    ph, pw = pair(p)
    n, c, h, w = x.shape
    side = x.new_zeros(n, c, h, pw)
    x = torch.cat([side, x, side], dim=3)
    top = x.new_zeros(n, c, ph, w + 2 * pw)
    return torch.cat([top, x, top], dim=2)


def im2col(xp, kh, kw, stride, dilation):
    n, c, h, w = xp.shape
    index, oh, ow = window_index(h, w, kh, kw, stride, dilation)
    cols = xp.reshape(n, c, h * w)[:, :, index.to(xp.device)]  # n, c, kh*kw, oh*ow
    return cols.reshape(n, c * kh * kw, oh * ow), oh, ow


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    f, cg, kh, kw = weight.shape
    xp = pad_zeros(x, padding)
    dh, dw = pair(dilation)
    if dh * (kh - 1) >= xp.shape[2] or dw * (kw - 1) >= xp.shape[3]:
        raise ValueError("kernel size can't be greater than actual input size")
    outs = []
    for xg, wg in zip(xp.chunk(groups, dim=1), weight.chunk(groups, dim=0)):
        cols, oh, ow = im2col(xg, kh, kw, stride, dilation)
        outs.append(wg.reshape(f // groups, -1) @ cols)
    y = torch.cat(outs, dim=1)
    if bias is not None:
        y += bias[:, None]
    return y.reshape(x.shape[0], f, oh, ow)


def conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    n, c, h, w = x.shape
    f, cg, kh, kw = weight.shape
    ph, pw = pair(padding)
    xp = pad_zeros(x, padding)
    hp, wp = xp.shape[2:]
    index, oh, ow = window_index(hp, wp, kh, kw, stride, dilation)
    index = index.reshape(-1).to(x.device)
    gx, gw = [], []
    parts = zip(xp.chunk(groups, 1), weight.chunk(groups, 0), grad_y.chunk(groups, 1))
    for xg, wg, gyg in parts:
        cols, _, _ = im2col(xg, kh, kw, stride, dilation)
        gyg = gyg.reshape(n, f // groups, oh * ow)
        gw.append((gyg @ cols.transpose(1, 2)).sum(0).reshape(wg.shape))
        gcols = wg.reshape(f // groups, -1).t() @ gyg
        gcols = gcols.reshape(n, cg, -1)
        flat = x.new_zeros(n, cg, hp * wp)
        flat.index_add_(2, index, gcols)
        gx.append(flat.reshape(n, cg, hp, wp))
    gx = torch.cat(gx, 1)[:, :, ph:hp - ph, pw:wp - pw]
    return gx, torch.cat(gw, 0), grad_y.sum((0, 2, 3)) if bias is not None else None
