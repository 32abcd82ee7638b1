"""Normalisation: the same statistics, taken over different axes.

Every function works on images `(N, C, H, W)`; batch norm also on features `(N, C)`.
"""

import torch


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    """Normalise each channel over the batch (Ioffe & Szegedy 2015, algorithms 1 and 2).

    In training mode, with mean and biased variance of the m = N * H * W values of a channel,

        y = weight * (x - mean) / sqrt(var + eps) + bias,

    and the running statistics are updated in place, with the unbiased variance m / (m - 1) * var:

        running = (1 - momentum) * running + momentum * batch.

    In evaluation mode the running statistics take the place of the batch's, and are kept.

    Args:
        x: `(N, C)` or `(N, C, H, W)`.
        running_mean, running_var: `(C,)`, updated in place in training mode.
        weight, bias: `(C,)`.
        training: whether to use (and track) the batch's statistics.
        momentum: the share of the new statistics in the running ones.
        eps: added to the variance.

    Returns:
        y, of the shape of x.

    Raises:
        ValueError: in training mode, with one value per channel.
    """
    raise NotImplementedError("batch_norm")


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    """The gradients of `batch_norm` (Ioffe & Szegedy 2015, section 3).

    In training mode the mean and the variance depend on x too. With x_hat = (x - mean) / sigma and
    g = weight * grad_y,

        grad_x = (g - mean(g) - x_hat * mean(g * x_hat)) / sigma.

    In evaluation mode the statistics are constants, and only g / sigma is left.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, running_mean, running_var, weight, training, eps: what the forward received.

    Returns:
        grad_x, of the shape of x; grad_weight and grad_bias, `(C,)`.
    """
    raise NotImplementedError("batch_norm_backward")
