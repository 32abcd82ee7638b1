"""Convolution: one small kernel, slid over the whole image.

Images are `(N, C, H, W)`, kernels `(C_out, C_in / groups, kH, kW)`. The backward is
written as a formula: no autograd and no numeric derivative.
"""

from . import conv2d

EXERCISES = conv2d.EXERCISES
