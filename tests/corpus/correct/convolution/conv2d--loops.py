# One pixel of the output at a time, as on the slide.
import torch


def to_pair(v):
    if isinstance(v, int):
        return (v, v)
    return tuple(v)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), (ph, pw), (dh, dw) = to_pair(stride), to_pair(padding), to_pair(dilation)
    N, C, H, W = x.shape
    F, Cg, KH, KW = weight.shape
    Fg = F // groups
    eh = (KH - 1) * dh + 1
    ew = (KW - 1) * dw + 1
    if eh > H + 2 * ph or ew > W + 2 * pw:
        raise ValueError("kernel does not fit")
    OH = (H + 2 * ph - eh) // sh + 1
    OW = (W + 2 * pw - ew) // sw + 1
    xp = torch.zeros(N, C, H + 2 * ph, W + 2 * pw, dtype=x.dtype, device=x.device)
    xp[:, :, ph:H + ph, pw:W + pw] = x
    out = torch.empty(N, F, OH, OW, dtype=x.dtype, device=x.device)
    for g in range(groups):
        wg = weight[g * Fg:(g + 1) * Fg]
        for r in range(OH):
            for c in range(OW):
                window = xp[:, g * Cg:(g + 1) * Cg,
                            r * sh:r * sh + eh:dh, c * sw:c * sw + ew:dw]
                for f in range(Fg):
                    out[:, g * Fg + f, r, c] = (window * wg[f]).sum(dim=(1, 2, 3))
    if bias is not None:
        for f in range(F):
            out[:, f] += bias[f]
    return out


def conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), (ph, pw), (dh, dw) = to_pair(stride), to_pair(padding), to_pair(dilation)
    N, C, H, W = x.shape
    F, Cg, KH, KW = weight.shape
    Fg = F // groups
    eh = (KH - 1) * dh + 1
    ew = (KW - 1) * dw + 1
    xp = torch.zeros(N, C, H + 2 * ph, W + 2 * pw, dtype=x.dtype, device=x.device)
    xp[:, :, ph:H + ph, pw:W + pw] = x
    gxp = torch.zeros_like(xp)
    gw = torch.zeros_like(weight)
    for g in range(groups):
        chans = slice(g * Cg, (g + 1) * Cg)
        for r in range(grad_y.shape[2]):
            rows = slice(r * sh, r * sh + eh, dh)
            for c in range(grad_y.shape[3]):
                cols = slice(c * sw, c * sw + ew, dw)
                for f in range(g * Fg, (g + 1) * Fg):
                    up = grad_y[:, f, r, c].view(-1, 1, 1, 1)
                    gw[f] += (up * xp[:, chans, rows, cols]).sum(0)
                    gxp[:, chans, rows, cols] += up * weight[f]
    gb = None
    if bias is not None:
        gb = grad_y.sum(dim=3).sum(dim=2).sum(dim=0)
    return gxp[:, :, ph:ph + H, pw:pw + W], gw, gb
