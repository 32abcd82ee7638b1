"""Normalisation: the same statistics, taken over different axes.

Images are `(N, C, H, W)`. Batch norm takes its statistics over N, H and W, instance norm over H and
W, layer norm over C, H and W, group norm over H, W and some of the channels. Each backward
is written as a formula: no autograd and no numeric derivative.
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


def layer_norm(x, weight, bias, eps=1e-5):
    """Normalise over the trailing dimensions, those of `weight` (Ba et al. 2016, equation 3).

    With the mean and the biased variance of each normalised slice,

        y = weight * (x - mean) / sqrt(var + eps) + bias.

    Nothing depends on the other examples, so training and evaluation are the same.

    Args:
        x: `(..., *weight.shape)`, with any number of leading dimensions, or none.
        weight, bias: one number per element of a slice, such as `(D,)` or `(C, H, W)`.
        eps: added to the variance.

    Returns:
        y, of the shape of x.
    """
    raise NotImplementedError("layer_norm")


def layer_norm_backward(grad_y, x, weight, eps=1e-5):
    """The gradients of `layer_norm`.

    With x_hat = (x - mean) / sigma, g = weight * grad_y, and means over the trailing dimensions,

        grad_x = (g - mean(g) - x_hat * mean(g * x_hat)) / sigma.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, weight, eps: what the forward received.

    Returns:
        grad_x, of the shape of x; grad_weight and grad_bias, of the shape of weight.
    """
    raise NotImplementedError("layer_norm_backward")


def instance_norm(x, weight, bias, eps=1e-5):
    """Normalise each channel of each image by itself (Ulyanov et al. 2016, equation 3).

    With the mean and the biased variance of the H * W pixels,

        y = weight * (x - mean) / sqrt(var + eps) + bias.

    Args:
        x: `(N, C, H, W)`.
        weight, bias: `(C,)`.
        eps: added to the variance.

    Returns:
        y, of the shape of x.

    Raises:
        ValueError: there is only one pixel.
    """
    raise NotImplementedError("instance_norm")


def instance_norm_backward(grad_y, x, weight, eps=1e-5):
    """The gradients of `instance_norm`.

    With x_hat = (x - mean) / sigma, g = weight * grad_y, and means over the pixels,

        grad_x = (g - mean(g) - x_hat * mean(g * x_hat)) / sigma.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, weight, eps: what the forward received.

    Returns:
        grad_x, of the shape of x; grad_weight and grad_bias, `(C,)`.
    """
    raise NotImplementedError("instance_norm_backward")


def group_norm(x, num_groups, weight, bias, eps=1e-5):
    """Normalise groups of channels of each image together (Wu & He 2018, equations 1, 2, 6 and 7).

    The first C / num_groups channels are the first group, the next ones the next, and so on. With
    the mean and the biased variance of a group's C / num_groups * H * W values,

        y = weight * (x - mean) / sqrt(var + eps) + bias.

    Args:
        x: `(N, C, H, W)`.
        num_groups: how many groups the channels are divided into.
        weight, bias: `(C,)`.
        eps: added to the variance.

    Returns:
        y, of the shape of x.

    Raises:
        ValueError: the channels cannot be divided into groups of one size.
    """
    raise NotImplementedError("group_norm")


def group_norm_backward(grad_y, x, num_groups, weight, eps=1e-5):
    """The gradients of `group_norm`.

    With x_hat = (x - mean) / sigma, g = weight * grad_y, and means over the values of a group,

        grad_x = (g - mean(g) - x_hat * mean(g * x_hat)) / sigma.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, num_groups, weight, eps: what the forward received.

    Returns:
        grad_x, of the shape of x; grad_weight and grad_bias, `(C,)`.
    """
    raise NotImplementedError("group_norm_backward")


def batch_instance_norm(
    x, running_mean, running_var, rho, weight, bias, training, momentum=0.1, eps=1e-5
):
    """Blend batch norm and instance norm, channel by channel (Nam & Kim 2018, section 3).

    With x_bn and x_in the input normalised (without weight and bias) as batch norm and as instance
    norm do it,

        y = (rho * x_bn + (1 - rho) * x_in) * weight + bias.

    The running statistics serve x_bn just as in `batch_norm`; x_in is the same in both modes.

    Args:
        x: `(N, C, H, W)`.
        running_mean, running_var: `(C,)`, updated in place in training mode.
        rho: `(C,)`, each in [0, 1]: 1 is batch norm, 0 is instance norm.
        weight, bias: `(C,)`.
        training, momentum, eps: as in `batch_norm`; both norms use eps.

    Returns:
        y, of the shape of x.

    Raises:
        ValueError: in training mode, with one pixel.
    """
    raise NotImplementedError("batch_instance_norm")


def batch_instance_norm_backward(
    grad_y, x, running_mean, running_var, rho, weight, training, eps=1e-5
):
    """The gradients of `batch_instance_norm`.

    With weight multiplied in, y is the sum of a batch norm whose weight is rho * weight and of an
    instance norm whose weight is (1 - rho) * weight; grad_x is the sum of their gradients. With
    sums over all but the channels,

        grad_rho = weight * sum(grad_y * (x_bn - x_in))
        grad_weight = sum(grad_y * (rho * x_bn + (1 - rho) * x_in)).

    That rho stays in [0, 1] is no part of the gradient: see `clip_rho_`.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, running_mean, running_var, rho, weight, training, eps: what the forward received.

    Returns:
        grad_x, of the shape of x; grad_rho, grad_weight and grad_bias, `(C,)`.
    """
    raise NotImplementedError("batch_instance_norm_backward")


def clip_rho_(rho):
    """Put batch-instance norm's gates back into [0, 1], in place (Nam & Kim 2018, section 3).

    To be called after each step of the optimiser: a step may carry a gate out of its range.

    Args:
        rho: `(C,)`, changed in place.

    Returns:
        The same tensor.
    """
    raise NotImplementedError("clip_rho_")
