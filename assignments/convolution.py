"""Convolution: one small kernel, slid over the whole image.

Images are `(N, C, H, W)`, kernels `(C_out, C_in / groups, kH, kW)`. The backward is
written as a formula: no autograd and no numeric derivative.
"""

import torch


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Slide each kernel over the image and sum what it covers (LeCun et al. 1998, section II).

    As everywhere in deep learning this is the cross-correlation: the kernel is not turned around.
    With x padded by zeros on all four sides, and for one group,

        y[n, o, p, q] = bias[o] + sum over c, i, j of
                        weight[o, c, i, j] * x[n, c, p * sH + i * dH, q * sW + j * dW].

    The output has floor((H + 2 * pH - dH * (kH - 1) - 1) / sH) + 1 rows, and columns likewise;
    rows and columns that no whole step reaches are left out. With G groups, the first C_out / G
    kernels see the first C_in / G channels, the next ones the next, and so on.

    Args:
        x: `(N, C_in, H, W)`.
        weight: `(C_out, C_in / groups, kH, kW)`.
        bias: `(C_out,)`, or None for none.
        stride: steps between windows, `s` or `(sH, sW)`.
        padding: zeros on each side, `p` or `(pH, pW)`.
        dilation: steps between the kernel's elements, `d` or `(dH, dW)`.
        groups: how many groups channels and kernels are divided into.

    Returns:
        y, `(N, C_out, H_out, W_out)`.

    Raises:
        ValueError: the (dilated) kernel is larger than the padded input.
    """
    raise NotImplementedError("conv2d")


def conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The gradients of `conv2d` (Dumoulin & Visin 2016, chapter 4).

    A pixel gets a share of the gradient from every window that it lies in, a kernel's element from
    every place that it was laid on:

        grad_x[n, c, p * sH + i * dH, q * sW + j * dW] += weight[o, c, i, j] * grad_y[n, o, p, q]
        grad_weight[o, c, i, j] += x[n, c, p * sH + i * dH, q * sW + j * dW] * grad_y[n, o, p, q]

    in the coordinates of the padded image. Pixels that no window reaches have zero gradient.

    Args:
        grad_y: the gradient with respect to y, `(N, C_out, H_out, W_out)`.
        x, weight, bias, stride, padding, dilation, groups: what the forward received.

    Returns:
        grad_x, grad_weight and grad_bias, of the shapes of x, weight and bias; grad_bias is None
        when bias is None.
    """
    raise NotImplementedError("conv2d_backward")
