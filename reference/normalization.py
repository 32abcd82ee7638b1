"""Normalisation: the same statistics, taken over different axes.

Images are `(N, C, H, W)`. Batch norm takes its statistics over N, H and W, instance norm over H and
W, layer norm over C, H and W, group norm over H, W and some of the channels.
"""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, uniform, upstream


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
    axes = [axis for axis in range(x.dim()) if axis != 1]  # all but the channels
    shape = [1, -1] + [1] * (x.dim() - 2)  # (C,) seen as (1, C, 1, 1)
    if training:
        m = x.numel() // x.shape[1]
        if m == 1:
            raise ValueError("batch norm needs more than one value per channel in training mode")
        mean = x.mean(dim=axes)
        var = ((x - mean.view(shape)) ** 2).mean(dim=axes)
        for running, batch in ((running_mean, mean), (running_var, var * m / (m - 1))):
            running.copy_((1 - momentum) * running + momentum * batch)
    else:
        mean, var = running_mean, running_var
    x_hat = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + eps)
    return weight.view(shape) * x_hat + bias.view(shape)


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
    axes = [axis for axis in range(x.dim()) if axis != 1]
    shape = [1, -1] + [1] * (x.dim() - 2)
    if training:
        mean = x.mean(dim=axes)
        var = ((x - mean.view(shape)) ** 2).mean(dim=axes)
    else:
        mean, var = running_mean, running_var
    sigma = torch.sqrt(var + eps).view(shape)
    x_hat = (x - mean.view(shape)) / sigma

    grad_weight = (grad_y * x_hat).sum(dim=axes)
    grad_bias = grad_y.sum(dim=axes)
    direct = grad_y * weight.view(shape) / sigma  # the path on which the statistics are constants
    if not training:
        return direct, grad_weight, grad_bias
    through_mean = direct.mean(dim=axes, keepdim=True)
    through_var = x_hat * (direct * x_hat).mean(dim=axes, keepdim=True)
    return direct - through_mean - through_var, grad_weight, grad_bias


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
    axes = tuple(range(-weight.dim(), 0))  # the trailing dimensions
    mean = x.mean(dim=axes, keepdim=True)
    var = ((x - mean) ** 2).mean(dim=axes, keepdim=True)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return weight * x_hat + bias


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
    axes = tuple(range(-weight.dim(), 0))
    mean = x.mean(dim=axes, keepdim=True)
    var = ((x - mean) ** 2).mean(dim=axes, keepdim=True)
    sigma = torch.sqrt(var + eps)
    x_hat = (x - mean) / sigma

    # However many leading dimensions there are, sum over all of them.
    grad_weight = (grad_y * x_hat).reshape(-1, *weight.shape).sum(dim=0)
    grad_bias = grad_y.reshape(-1, *weight.shape).sum(dim=0)
    g = grad_y * weight
    through_mean = g.mean(dim=axes, keepdim=True)
    through_var = x_hat * (g * x_hat).mean(dim=axes, keepdim=True)
    grad_x = (g - through_mean - through_var) / sigma
    return grad_x, grad_weight, grad_bias


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
    axes = (2, 3)
    if x.shape[2] * x.shape[3] == 1:
        raise ValueError("instance norm needs more than one pixel")
    mean = x.mean(dim=axes, keepdim=True)
    var = ((x - mean) ** 2).mean(dim=axes, keepdim=True)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return weight.view(1, -1, 1, 1) * x_hat + bias.view(1, -1, 1, 1)


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
    axes = (2, 3)
    mean = x.mean(dim=axes, keepdim=True)
    var = ((x - mean) ** 2).mean(dim=axes, keepdim=True)
    sigma = torch.sqrt(var + eps)
    x_hat = (x - mean) / sigma

    grad_weight = (grad_y * x_hat).sum(dim=(0, 2, 3))  # over the images too: they share weight
    grad_bias = grad_y.sum(dim=(0, 2, 3))
    g = grad_y * weight.view(1, -1, 1, 1)
    through_mean = g.mean(dim=axes, keepdim=True)
    through_var = x_hat * (g * x_hat).mean(dim=axes, keepdim=True)
    grad_x = (g - through_mean - through_var) / sigma
    return grad_x, grad_weight, grad_bias


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
    n, c, h, w = x.shape
    if c % num_groups != 0:
        raise ValueError(f"{c} channels cannot be divided into {num_groups} groups")
    groups, axes = x.reshape(n, num_groups, -1, h, w), (2, 3, 4)  # (N, G, C / G, H, W)
    mean = groups.mean(dim=axes, keepdim=True)
    var = ((groups - mean) ** 2).mean(dim=axes, keepdim=True)
    x_hat = ((groups - mean) / torch.sqrt(var + eps)).reshape(x.shape)
    return weight.view(1, -1, 1, 1) * x_hat + bias.view(1, -1, 1, 1)


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
    n, _, h, w = x.shape
    groups, axes = x.reshape(n, num_groups, -1, h, w), (2, 3, 4)
    mean = groups.mean(dim=axes, keepdim=True)
    var = ((groups - mean) ** 2).mean(dim=axes, keepdim=True)
    sigma = torch.sqrt(var + eps)
    x_hat = (groups - mean) / sigma

    grad_weight = (grad_y * x_hat.reshape(x.shape)).sum(dim=(0, 2, 3))
    grad_bias = grad_y.sum(dim=(0, 2, 3))
    g = (grad_y * weight.view(1, -1, 1, 1)).reshape(groups.shape)
    through_mean = g.mean(dim=axes, keepdim=True)
    through_var = x_hat * (g * x_hat).mean(dim=axes, keepdim=True)
    grad_x = (g - through_mean - through_var) / sigma
    return grad_x.reshape(x.shape), grad_weight, grad_bias


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
    one, zero = torch.ones_like(rho), torch.zeros_like(rho)
    x_in = instance_norm(x, one, zero, eps)
    x_bn = batch_norm(x, running_mean, running_var, one, zero, training, momentum, eps)
    r = rho.view(1, -1, 1, 1)
    x_hat = r * x_bn + (1 - r) * x_in
    return x_hat * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)


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
    through_bn, along_bn, grad_bias = batch_norm_backward(
        grad_y, x, running_mean, running_var, rho * weight, training, eps
    )
    through_in, along_in, _ = instance_norm_backward(grad_y, x, (1 - rho) * weight, eps)

    # along_bn = sum(grad_y * x_bn), along_in = sum(grad_y * x_in)
    grad_rho = weight * (along_bn - along_in)
    grad_weight = rho * along_bn + (1 - rho) * along_in
    return through_bn + through_in, grad_rho, grad_weight, grad_bias


def clip_rho_(rho):
    """Put batch-instance norm's gates back into [0, 1], in place (Nam & Kim 2018, section 3).

    To be called after each step of the optimiser: a step may carry a gate out of its range.

    Args:
        rho: `(C,)`, changed in place.

    Returns:
        The same tensor.
    """
    return rho.clamp_(0, 1)


def _channels(count):
    """Distinct parameters and running statistics for that many channels."""
    return {
        "running_mean": normal(count),
        "running_var": uniform(count, low=0.5, high=2.0),
        "weight": normal(count),
        "bias": normal(count),
    }


BATCH_NORM_TRAINING = (
    case(
        "images",
        public=True,
        x=normal(4, 3, 5, 6, mean=1.0, std=2.0),
        **_channels(3),
        training=True,
    ),
    case("features", x=normal(7, 5, mean=1.0, std=2.0), **_channels(5), training=True),
    case("four values per channel", x=normal(2, 4, 2, 1), **_channels(4), training=True),
    case(
        "variance near eps",
        x=normal(3, 4, 4, 2, std=0.03),
        **_channels(4),
        training=True,
        eps=1e-2,
        momentum=0.3,
    ),
    case(
        "transposed strides",
        x=normal(4, 5, 3, 6).map(lambda t: t.transpose(1, 3)),
        **_channels(6),
        training=True,
        momentum=0.8,
    ),
    case(
        "expanded batch",
        x=normal(1, 3, 4, 3, std=3.0).map(lambda t: t.expand(3, -1, -1, -1)),
        **_channels(3),
        training=True,
    ),
    case(
        "offset channels",
        x=normal(4, 3, 4, 4).map(lambda t: t + torch.tensor([-3.0, 0.0, 20.0]).view(1, 3, 1, 1)),
        **_channels(3),
        training=True,
    ),
)
BATCH_NORM_FORWARD_ONLY = (
    case("two values per channel", x=normal(2, 4, 1, 1), **_channels(4), training=True),
    case(
        "a channel of zeros",
        x=normal(4, 3, 2, 3).map(lambda t: t * torch.tensor([1.0, 0.0, 1.0]).view(1, 3, 1, 1)),
        **_channels(3),
        training=True,
    ),
)
BATCH_NORM_EVALUATION = (
    case("one image", public=True, x=normal(1, 3, 4, 5), **_channels(3), training=False),
    case("large eps", x=normal(5, 4, 3, 2, mean=2.0), **_channels(4), training=False, eps=0.1),
    case("features", x=normal(6, 5, mean=-1.0), **_channels(5), training=False),
    case("one value per channel", x=normal(1, 4), **_channels(4), training=False),
)
BATCH_NORM_FLOAT32 = (
    case("images", public=True, x=normal(8, 4, 6, 6, mean=1.0), **_channels(4), training=True),
    case("features", x=normal(20, 4, mean=1.0), **_channels(4), training=True),
    case("evaluation", x=normal(3, 4, 6, 6), **_channels(4), training=False),
)
BATCH_NORM_LARGE_MEAN = (
    case(
        "mean of 300 deviations",
        public=True,
        x=normal(8, 4, 6, 6, mean=300.0),
        **_channels(4),
        training=True,
    ),
    case(
        "mean of -3000 deviations",
        x=normal(5, 3, 4, 3, mean=-300.0, std=0.1),
        **_channels(3),
        training=True,
    ),
)
BATCH_NORM_REFUSED = (
    case("one pixel of one image", x=normal(1, 3, 1, 1), **_channels(3), training=True),
    case("one row of features", x=normal(1, 4), **_channels(4), training=True),
)


def _affine(*shape):
    """Distinct weights and biases."""
    return {"weight": normal(*shape), "bias": normal(*shape)}


def _styles(x):
    """Images of different contrast and brightness, as photographs are."""
    n = x.shape[0]
    scale = torch.linspace(0.5, 3.0, n, dtype=x.dtype).view(n, 1, 1, 1)
    return scale * x + torch.linspace(-2.0, 4.0, n, dtype=x.dtype).view(n, 1, 1, 1)


def _transposed(x):
    return x.transpose(1, 3)


def _with_zero(weight):
    """Weights of which one is zero."""
    weight = weight.clone()
    weight[0] = 0.0
    return weight


LAYER_NORM_LAST = (
    case("features", public=True, x=normal(4, 6, mean=1.0, std=2.0), **_affine(6)),
    case("sequences", x=normal(2, 3, 7, mean=-1.0), **_affine(7)),
    case("no leading dimension", x=normal(5, mean=2.0), **_affine(5)),
    case("variance near eps", x=normal(3, 2, 6, std=0.03), **_affine(6), eps=1e-2),
    case("large eps", x=normal(3, 8), **_affine(8), eps=0.5),
    case("transposed strides", x=normal(6, 2, 3).map(lambda t: t.transpose(0, 2)), **_affine(6)),
    case("expanded batch", x=normal(1, 7).map(lambda t: t.expand(3, -1)), **_affine(7)),
    case(
        "a weight of zero",
        x=normal(4, 5),
        weight=normal(5).map(_with_zero),
        bias=normal(5),
    ),
)
LAYER_NORM_SEVERAL = (
    case("images", public=True, x=normal(3, 2, 4, 3, mean=1.0, std=2.0), **_affine(2, 4, 3)),
    case("rows and columns only", x=normal(2, 3, 4, 5, mean=-1.0), **_affine(4, 5)),
    case(
        "transposed strides",
        x=normal(3, 4, 2, 5).map(_transposed),
        weight=normal(5, 2, 4),
        bias=normal(4, 5, 2).map(lambda t: t.permute(1, 2, 0)),
        eps=0.1,
    ),
)
LAYER_NORM_FORWARD_ONLY = (
    case("a constant row", x=normal(3, 1).map(lambda t: t.expand(-1, 4)), **_affine(4)),
)
LAYER_NORM_FLOAT32 = (
    case("features", public=True, x=normal(8, 32, mean=1.0), **_affine(32)),
    case("images", x=normal(5, 3, 4, 3), **_affine(3, 4, 3)),
)
LAYER_NORM_LARGE_MEAN = (
    case("mean of 300 deviations", public=True, x=normal(4, 64, mean=300.0), **_affine(64)),
    case(
        "mean of -3000 deviations", x=normal(9, 4, 4, 5, mean=-300.0, std=0.1), **_affine(4, 4, 5)
    ),
)

INSTANCE_NORM = (
    case("images", public=True, x=normal(3, 4, 5, 3, mean=1.0).map(_styles), **_affine(4)),
    case("one image", x=normal(1, 3, 4, 5, std=2.0), **_affine(3)),
    case("one channel", x=normal(4, 1, 3, 3).map(_styles), **_affine(1)),
    case("variance near eps", x=normal(2, 3, 4, 2, std=0.03), **_affine(3), eps=1e-2),
    case("large eps", x=normal(2, 3, 2, 4).map(_styles), **_affine(3), eps=0.5),
    case("transposed strides", x=normal(2, 5, 3, 4).map(_transposed), **_affine(4)),
    case(
        "expanded channels",
        x=normal(3, 1, 4, 3).map(_styles).map(lambda t: t.expand(-1, 3, -1, -1)),
        **_affine(3),
    ),
    case(
        "a weight of zero",
        x=normal(2, 3, 3, 4),
        weight=normal(3).map(_with_zero),
        bias=normal(3),
    ),
)
INSTANCE_NORM_FORWARD_ONLY = (
    case("two pixels", x=normal(3, 2, 1, 2), **_affine(2)),
    case(
        "a black channel",
        x=normal(2, 3, 3, 4).map(lambda t: t * torch.tensor([1.0, 0.0, 1.0]).view(1, 3, 1, 1)),
        **_affine(3),
    ),
)
INSTANCE_NORM_FLOAT32 = (
    case("images", public=True, x=normal(4, 3, 6, 6).map(_styles), **_affine(3)),
    case("one image", x=normal(1, 4, 8, 5), **_affine(4)),
)
INSTANCE_NORM_LARGE_MEAN = (
    case("mean of 300 deviations", public=True, x=normal(2, 3, 8, 6, mean=300.0), **_affine(3)),
    case(
        "mean of -3000 deviations",
        x=normal(2, 3, 6, 6, mean=-300.0, std=0.1),
        **_affine(3),
    ),
)
INSTANCE_NORM_REFUSED = (
    case("one pixel", x=normal(4, 3, 1, 1), **_affine(3)),
    case("one pixel of one image", x=normal(1, 2, 1, 1), **_affine(2)),
)

GROUP_NORM = (
    case(
        "three groups",
        public=True,
        x=normal(2, 6, 3, 4, mean=1.0, std=2.0).map(_styles),
        num_groups=3,
        **_affine(6),
    ),
    case("two groups of four", x=normal(3, 8, 2, 3, mean=-1.0), num_groups=2, **_affine(8)),
    case("one pixel", x=normal(3, 12, 1, 1, mean=2.0), num_groups=3, **_affine(12)),
    case("variance near eps", x=normal(2, 6, 4, 2, std=0.03), num_groups=2, **_affine(6), eps=1e-2),
    case("large eps", x=normal(2, 6, 2, 4), num_groups=2, **_affine(6), eps=0.5),
    case("transposed strides", x=normal(2, 5, 3, 6).map(_transposed), num_groups=2, **_affine(6)),
    case(
        "expanded batch",
        x=normal(1, 6, 2, 3).map(lambda t: t.expand(3, -1, -1, -1)),
        num_groups=2,
        **_affine(6),
    ),
    case(
        "a weight of zero",
        x=normal(2, 6, 3, 2),
        num_groups=2,
        weight=normal(6).map(_with_zero),
        bias=normal(6),
    ),
)
GROUP_NORM_EXTREMES = (
    case("one group", public=True, x=normal(3, 4, 3, 2, std=2.0), num_groups=1, **_affine(4)),
    case("a group per channel", x=normal(2, 5, 3, 4).map(_styles), num_groups=5, **_affine(5)),
)
GROUP_NORM_FORWARD_ONLY = (
    case(
        "a black group",
        x=normal(2, 4, 3, 2).map(lambda t: t * torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 4, 1, 1)),
        num_groups=2,
        **_affine(4),
    ),
)
GROUP_NORM_FLOAT32 = (
    case("images", public=True, x=normal(4, 8, 4, 4, mean=1.0), num_groups=2, **_affine(8)),
    case("one image", x=normal(1, 6, 5, 6), num_groups=3, **_affine(6)),
)
GROUP_NORM_LARGE_MEAN = (
    case(
        "mean of 300 deviations",
        public=True,
        x=normal(2, 6, 4, 5, mean=300.0),
        num_groups=2,
        **_affine(6),
    ),
    case(
        "mean of -3000 deviations",
        x=normal(2, 8, 3, 4, mean=-300.0, std=0.1),
        num_groups=4,
        **_affine(8),
    ),
)
GROUP_NORM_REFUSED = (
    case("six channels in four groups", x=normal(2, 6, 3, 3), num_groups=4, **_affine(6)),
    case("more groups than channels", x=normal(2, 3, 4, 4), num_groups=6, **_affine(3)),
)


def _gates(*values):
    return {"rho": torch.tensor(values, dtype=torch.float64), **_channels(len(values))}


BATCH_INSTANCE_NORM_TRAINING = (
    case(
        "images",
        public=True,
        x=normal(3, 3, 4, 3, mean=1.0).map(_styles),
        **_gates(0.2, 0.7, 0.95),
        training=True,
    ),
    case(
        "gates shut and open",
        x=normal(4, 4, 3, 2).map(_styles),
        **_gates(0.0, 1.0, 0.5, 1.0),
        training=True,
        momentum=0.3,
    ),
    case(
        "variance near eps",
        x=normal(3, 3, 2, 4, std=0.03),
        **_gates(0.6, 0.3, 0.8),
        training=True,
        eps=1e-2,
    ),
    case(
        "transposed strides",
        x=normal(3, 3, 4, 3).map(_transposed),
        **_gates(0.1, 0.4, 0.9),
        training=True,
        momentum=0.8,
        eps=0.1,
    ),
    case(
        "a weight of zero",
        x=normal(2, 2, 3, 3).map(_styles),
        **(_gates(0.3, 0.8) | {"weight": normal(2).map(_with_zero)}),
        training=True,
    ),
)
BATCH_INSTANCE_NORM_EVALUATION = (
    case(
        "one image",
        public=True,
        x=normal(1, 3, 4, 5, std=2.0),
        **_gates(0.3, 0.6, 0.9),
        training=False,
    ),
    case(
        "gates shut and open",
        x=normal(3, 4, 2, 3).map(_styles),
        **_gates(1.0, 0.0, 1.0, 0.4),
        training=False,
    ),
    case(
        "large eps",
        x=normal(2, 3, 3, 3, mean=2.0).map(_styles),
        **_gates(0.5, 0.2, 0.7),
        training=False,
        eps=0.2,
    ),
)
BATCH_INSTANCE_NORM_FLOAT32 = (
    case(
        "images",
        public=True,
        x=normal(6, 3, 5, 5).map(_styles),
        **_gates(0.2, 0.7, 1.0),
        training=True,
    ),
    case("evaluation", x=normal(3, 2, 5, 6), **_gates(0.4, 0.8), training=False),
    case(
        "mean of 300 deviations",
        x=normal(4, 3, 6, 5, mean=300.0),
        **_gates(0.0, 0.5, 1.0),
        training=True,
    ),
)
BATCH_INSTANCE_NORM_REFUSED = (
    case("one pixel", x=normal(4, 2, 1, 1), **_gates(0.3, 0.6), training=True),
    case("one pixel of one image", x=normal(1, 2, 1, 1), **_gates(0.5, 1.0), training=True),
)
GATES = (
    case(
        "beyond both ends",
        public=True,
        rho=torch.tensor([-0.25, 0.5, 1.5, 0.0, 1.0], dtype=torch.float64),
    ),
    case("many", rho=normal(40, mean=0.5)),
    case("far beyond", rho=normal(9, std=20.0)),
    case("every other one", rho=normal(12, 2).map(lambda t: t[:, 0])),
)
GATES_FLOAT32 = (case("many", public=True, rho=normal(40, mean=0.5)),)


def _variance_misconceptions(function, x="x"):
    """What goes wrong with variance and eps, whatever the axes."""
    root = "torch.sqrt(var + eps)"
    var = f"(({x} - mean) ** 2).mean(dim=axes, keepdim=True)"
    return (
        edit(
            function,
            root,
            "(torch.sqrt(var) + eps)",
            name="eps-outside-root",
            hint="Look at where eps stands in the paper: is it added to a variance or to a "
            "standard deviation?",
        ),
        edit(
            function,
            root,
            "torch.sqrt(var)",
            name="eps-forgotten",
            hint="What happens where all values are equal? Something in the formula is there for "
            "it.",
        ),
        edit(
            function,
            root,
            "torch.sqrt(var + 1e-5)",
            name="eps-fixed",
            hint="Does your result change when the caller asks for another eps?",
        ),
        edit(
            function,
            root,
            "(var + eps)",
            name="divided-by-variance",
            hint="If x is measured in metres, what is its variance measured in, and what should "
            "x_hat be?",
        ),
        edit(
            function,
            var,
            f"{x}.var(dim=axes, keepdim=True)",
            name="unbiased-variance",
            hint="Is the sum of squares divided by m or by m - 1? Mind what torch.var and "
            "torch.std do by default.",
        ),
        edit(
            function,
            var,
            f"({x}**2).mean(dim=axes, keepdim=True) - mean**2",
            name="variance-by-cancellation",
            hint="E[x^2] - E[x]^2 is right on paper. What is left of it in float32 when the mean "
            "is 300 and the variance 1?",
        ),
    )


def _gradient_misconceptions(function):
    """What goes wrong on the way back, whatever the axes."""
    paths = "g - through_mean - through_var"
    return (
        edit(
            function,
            paths,
            "g",
            name="statistics-constant",
            hint="Mean and variance are functions of x: their paths belong to the gradient.",
        ),
        edit(
            function,
            paths,
            "g - through_var",
            name="mean-path-dropped",
            hint="Every x changes the mean, and so its neighbours' outputs: which path of the "
            "graph is that?",
        ),
        edit(
            function,
            paths,
            "g - through_mean",
            name="variance-path-dropped",
            hint="Every x changes the variance, and so its neighbours' outputs: which path of the "
            "graph is that?",
        ),
        edit(
            function,
            paths,
            "g - through_mean + through_var",
            name="variance-path-sign",
            hint="If x moves away from the mean the variance grows: do the outputs grow or shrink "
            "by that?",
        ),
        edit(
            function,
            "g.mean(dim=axes, keepdim=True)",
            "g.sum(dim=axes, keepdim=True)",
            name="sum-for-mean",
            hint="The mean has a factor 1 / m. Where is it in the path through the mean?",
        ),
        edit(
            function,
            "torch.sqrt(var + eps)",
            "torch.sqrt(var)",
            name="eps-forgotten-backwards",
            hint="The backward must divide by what the forward divided by.",
        ),
    )


EXERCISES = (
    Exercise(
        functions=(batch_norm, batch_norm_backward),
        checks=(
            values(
                batch_norm,
                BATCH_NORM_TRAINING + BATCH_NORM_FORWARD_ONLY,
                points={"y": 1.5, "running_mean": 0.5, "running_var": 1},
                name="training",
            ),
            # That the running statistics are kept is judged with the other arguments.
            values(batch_norm, BATCH_NORM_EVALUATION, points={"y": 1}, name="evaluation"),
            precision(
                batch_norm,
                BATCH_NORM_FLOAT32,
                points={"y": 0.25, "running_mean": 0.25, "running_var": 0.25},
                name="float32",
            ),
            precision(
                batch_norm,
                BATCH_NORM_LARGE_MEAN,
                points={"y": 0.25, "running_mean": 0.25, "running_var": 0.25},
                name="float32, large mean",
            ),
            gradients(
                batch_norm_backward,
                upstream(batch_norm, batch_norm_backward, BATCH_NORM_TRAINING),
                points={"grad_x": 1.5, "grad_weight": 0.5, "grad_bias": 0.5},
                name="training backward",
            ),
            gradients(
                batch_norm_backward,
                upstream(batch_norm, batch_norm_backward, BATCH_NORM_EVALUATION),
                points={"grad_x": 0.5, "grad_weight": 0.25, "grad_bias": 0.25},
                name="evaluation backward",
            ),
            errors(batch_norm, BATCH_NORM_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                batch_norm,
                "torch.sqrt(var.view(shape) + eps)",
                "(torch.sqrt(var.view(shape)) + eps)",
                name="eps-outside-root",
                hint="Look at where eps stands in the paper: is it added to a variance or to a "
                "standard deviation?",
            ),
            edit(
                batch_norm,
                "torch.sqrt(var.view(shape) + eps)",
                "torch.sqrt(var.view(shape))",
                name="eps-forgotten",
                hint="What happens to a channel whose values are all equal? Something in the "
                "formula is there for it.",
            ),
            edit(
                batch_norm,
                "torch.sqrt(var.view(shape) + eps)",
                "torch.sqrt(var.view(shape) + 1e-5)",
                name="eps-fixed",
                hint="Does your result change when the caller asks for another eps?",
            ),
            edit(
                batch_norm,
                "torch.sqrt(var.view(shape) + eps)",
                "(var.view(shape) + eps)",
                name="divided-by-variance",
                hint="If x is measured in metres, what is its variance measured in, and what "
                "should x_hat be?",
            ),
            edit(
                batch_norm,
                "torch.sqrt(var.view(shape) + eps)",
                "torch.sqrt(var.view(shape) * (m / (m - 1) if training else 1) + eps)",
                name="unbiased-batch-variance",
                hint="Two variances are at work in training: which of them normalises the batch? "
                "Mind what torch.var does by default.",
            ),
            edit(
                batch_norm,
                "var * m / (m - 1)",
                "var",
                name="biased-running-variance",
                hint="Two variances are at work here: which one normalises, and which one "
                "estimates the variance of data not yet seen?",
            ),
            edit(
                batch_norm,
                "var * m / (m - 1)",
                "torch.sqrt(var * m / (m - 1))",
                name="running-deviation",
                hint="running_var is a variance: look at what you store, and at what evaluation "
                "does with it.",
            ),
            edit(
                batch_norm,
                "copy_((1 - momentum) * running + momentum * batch",
                "copy_(momentum * running + (1 - momentum) * batch",
                name="momentum-swapped",
                hint="In this course, as in PyTorch, momentum is the weight of the new statistic; "
                "other books have it the other way round.",
            ),
            edit(
                batch_norm,
                "running.copy_((1 - momentum) * running + momentum * batch)",
                "running = (1 - momentum) * running + momentum * batch",
                name="running-statistics-rebound",
                hint="`name = ...` gives the name to a new tensor. Does the caller's tensor know "
                "of it?",
            ),
            edit(
                batch_norm,
                "(x - mean.view(shape)) / torch.sqrt(var.view(shape) + eps)",
                "(x - running_mean.view(shape)) / torch.sqrt(running_var.view(shape) + eps)",
                name="running-statistics-in-training",
                hint="Whose statistics normalise in training mode, and what are the running ones "
                "for?",
            ),
            edit(
                batch_norm,
                "mean, var = running_mean, running_var",
                "mean, var = x.mean(dim=axes), x.var(dim=axes, correction=0)",
                name="batch-statistics-in-evaluation",
                hint="In evaluation one image must give the same result whatever comes with it in "
                "the batch: where do mean and variance come from?",
            ),
            edit(
                batch_norm,
                "return weight.view(shape) * x_hat + bias.view(shape)",
                "return weight.view(shape) * x_hat + bias.view(shape) if training else x_hat",
                name="affine-skipped-in-evaluation",
                hint="weight and bias were learnt for the layers that follow: do those disappear "
                "in evaluation?",
            ),
            edit(
                batch_norm,
                "weight.view(shape) * x_hat + bias.view(shape)",
                "weight.view(shape) * (x_hat + bias.view(shape))",
                name="bias-scaled",
                hint="y = weight * x_hat + bias: which of the two comes last?",
            ),
            edit(
                batch_norm,
                "((x - mean.view(shape)) ** 2).mean(dim=axes)",
                "(x**2).mean(dim=axes)",
                name="second-moment-for-variance",
                hint="The mean of x * x is a variance only where the mean is zero.",
            ),
            edit(
                batch_norm,
                "((x - mean.view(shape)) ** 2).mean(dim=axes)",
                "(x**2).mean(dim=axes) - mean**2",
                name="variance-by-cancellation",
                hint="E[x^2] - E[x]^2 is right on paper. What is left of it in float32 when the "
                "mean is 300 and the variance 1?",
            ),
            edit(
                batch_norm,
                "x_hat = (x - mean.view(shape))",
                "x_hat = x.sub_(mean.view(shape))",
                name="x-changed",
                hint="Operations that end in an underscore, and `x -= ...`, change the caller's "
                "tensor.",
            ),
            edit(
                batch_norm_backward,
                "direct - through_mean - through_var",
                "direct - through_var",
                name="mean-path-dropped",
                hint="Every x changes the batch's mean, and so every other output: which path of "
                "the graph is that?",
            ),
            edit(
                batch_norm_backward,
                "direct - through_mean - through_var",
                "direct - through_mean",
                name="variance-path-dropped",
                hint="Every x changes the batch's variance, and so every other output: which path "
                "of the graph is that?",
            ),
            edit(
                batch_norm_backward,
                "direct - through_mean - through_var",
                "direct",
                name="statistics-constant",
                hint="In training mode mean and variance are functions of x: their paths belong "
                "to the gradient.",
            ),
            edit(
                batch_norm_backward,
                "direct - through_mean - through_var",
                "direct - through_mean + through_var",
                name="variance-path-sign",
                hint="If x moves away from the mean the variance grows: do the outputs grow or "
                "shrink by that?",
            ),
            edit(
                batch_norm_backward,
                "grad_y * weight.view(shape) / sigma",
                "grad_y / sigma",
                name="weight-missing-in-grad-x",
                hint="Follow y = weight * x_hat + bias backwards: what multiplies grad_y first?",
            ),
            edit(
                batch_norm_backward,
                "x_hat * (direct * x_hat)",
                "(x - mean.view(shape)) * (direct * x_hat)",
                name="deviation-missing-in-variance-path",
                hint="Count the factors 1 / sigma on the path through the variance; a check of "
                "units helps.",
            ),
            edit(
                batch_norm_backward,
                "direct.mean(dim=axes, keepdim=True)",
                "direct.sum(dim=axes, keepdim=True) / x.shape[0]",
                name="divided-by-batch-size",
                hint="Over how many values was the mean taken? Images have pixels, too.",
            ),
            edit(
                batch_norm_backward,
                "torch.sqrt(var + eps)",
                "torch.sqrt(var)",
                name="eps-forgotten-backwards",
                hint="The backward must divide by what the forward divided by.",
            ),
            edit(
                batch_norm_backward,
                "if not training:",
                "if False:",
                name="training-gradient-in-evaluation",
                hint="In evaluation the statistics do not depend on x: which paths of the graph "
                "are left?",
            ),
            edit(
                batch_norm_backward,
                "mean, var = running_mean, running_var",
                "mean, var = x.mean(dim=axes), x.var(dim=axes, correction=0)",
                name="batch-statistics-in-evaluation-backward",
                hint="The backward must use the statistics that the forward used: which were they "
                "in evaluation mode?",
            ),
            edit(
                batch_norm_backward,
                "(grad_y * x_hat).sum(dim=axes)",
                "(grad_y * x).sum(dim=axes)",
                name="grad-weight-of-x",
                hint="What does weight multiply in the forward? That is its derivative.",
            ),
            edit(
                batch_norm_backward,
                "grad_y.sum(dim=axes)",
                "grad_y.mean(dim=axes)",
                name="grad-bias-averaged",
                hint="The bias enters every value of the channel once: how do their gradients "
                "come together?",
            ),
        ),
    ),
    Exercise(
        functions=(layer_norm, layer_norm_backward),
        checks=(
            values(
                layer_norm,
                LAYER_NORM_LAST + LAYER_NORM_FORWARD_ONLY,
                points={"y": 2.5},
                name="last dimension",
            ),
            values(layer_norm, LAYER_NORM_SEVERAL, points={"y": 1.25}, name="several dimensions"),
            precision(layer_norm, LAYER_NORM_FLOAT32, points={"y": 0.5}, name="float32"),
            precision(
                layer_norm, LAYER_NORM_LARGE_MEAN, points={"y": 0.5}, name="float32, large mean"
            ),
            gradients(
                layer_norm_backward,
                upstream(layer_norm, layer_norm_backward, LAYER_NORM_LAST),
                points={"grad_x": 1.75, "grad_weight": 0.75, "grad_bias": 0.5},
                name="last dimension backward",
            ),
            gradients(
                layer_norm_backward,
                upstream(layer_norm, layer_norm_backward, LAYER_NORM_SEVERAL),
                points={"grad_x": 1, "grad_weight": 0.5, "grad_bias": 0.25},
                name="several dimensions backward",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            *_variance_misconceptions(layer_norm),
            edit(
                layer_norm,
                "range(-weight.dim(), 0)",
                "range(-1, 0)",
                name="last-dimension-only",
                hint="How many dimensions does weight have? As many are normalised together.",
            ),
            edit(
                layer_norm,
                "range(-weight.dim(), 0)",
                "range(x.dim() - weight.dim())",
                name="leading-dimensions",
                hint="Layer norm looks at one example at a time. Over what do your statistics run?",
            ),
            edit(
                layer_norm,
                "range(-weight.dim(), 0)",
                "range(x.dim())",
                name="over-everything",
                hint="How many means are there: one for all examples, or one for each?",
            ),
            edit(
                layer_norm,
                "x_hat = (x - mean)",
                "x_hat = x",
                name="mean-left-in",
                hint="What is the mean of x_hat? Layer norm makes it zero (RMS norm does not).",
            ),
            edit(
                layer_norm,
                "weight * x_hat + bias",
                "weight * (x_hat + bias)",
                name="bias-scaled",
                hint="y = weight * x_hat + bias: which of the two comes last?",
            ),
            *_gradient_misconceptions(layer_norm_backward),
            edit(
                layer_norm_backward,
                "g = grad_y * weight",
                "g = grad_y",
                name="weight-missing-in-grad-x",
                hint="Follow y = weight * x_hat + bias backwards: what multiplies grad_y first?",
            ),
            edit(
                layer_norm_backward,
                "g = grad_y * weight",
                "g, sigma = grad_y, sigma / weight",
                name="weight-after-the-means",
                hint="In batch norm weight is the same wherever a mean is taken, and may be "
                "multiplied last. Is that so here?",
            ),
            edit(
                layer_norm_backward,
                "range(-weight.dim(), 0)",
                "range(-1, 0)",
                name="last-dimension-only-backwards",
                hint="The backward's means run over what the forward normalised: how many "
                "dimensions are that?",
            ),
            edit(
                layer_norm_backward,
                "(grad_y * x_hat).reshape",
                "(grad_y * x).reshape",
                name="grad-weight-of-x",
                hint="What does weight multiply in the forward? That is its derivative.",
            ),
            edit(
                layer_norm_backward,
                "grad_y.reshape(-1, *weight.shape).sum(dim=0)",
                "grad_y.reshape(-1, *weight.shape).mean(dim=0)",
                name="grad-bias-averaged",
                hint="The bias enters every example once: how do their gradients come together?",
            ),
        ),
    ),
    Exercise(
        functions=(instance_norm, instance_norm_backward),
        checks=(
            values(
                instance_norm,
                INSTANCE_NORM + INSTANCE_NORM_FORWARD_ONLY,
                points={"y": 3.5},
                name="forward",
            ),
            precision(instance_norm, INSTANCE_NORM_FLOAT32, points={"y": 0.5}, name="float32"),
            precision(
                instance_norm,
                INSTANCE_NORM_LARGE_MEAN,
                points={"y": 0.5},
                name="float32, large mean",
            ),
            gradients(
                instance_norm_backward,
                upstream(instance_norm, instance_norm_backward, INSTANCE_NORM),
                points={"grad_x": 2.5, "grad_weight": 1.25, "grad_bias": 0.75},
                name="backward",
            ),
            errors(instance_norm, INSTANCE_NORM_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        misconceptions=(
            *_variance_misconceptions(instance_norm),
            edit(
                instance_norm,
                "axes = (2, 3)",
                "axes = (0, 2, 3)",
                name="over-the-batch",
                hint="Does an image's result change with what else is in the batch? Instance norm "
                "looks at each image by itself.",
            ),
            edit(
                instance_norm,
                "axes = (2, 3)",
                "axes = (1, 2, 3)",
                name="over-the-channels",
                hint="How many means are there for one image: one, or one per channel?",
            ),
            edit(
                instance_norm,
                "axes = (2, 3)",
                "axes = (3,)",
                name="row-by-row",
                hint="A channel of an image has rows and columns: which of them share a mean?",
            ),
            edit(
                instance_norm,
                "weight.view(1, -1, 1, 1) * x_hat + bias.view(1, -1, 1, 1)",
                "x_hat",
                name="affine-forgotten",
                hint="What are weight and bias for? (PyTorch's InstanceNorm2d leaves them out by "
                "default; here they are always given.)",
            ),
            edit(
                instance_norm,
                "x_hat = (x - mean)",
                "x_hat = x",
                name="mean-left-in",
                hint="What is the mean of each channel of x_hat? It should be zero.",
            ),
            edit(
                instance_norm,
                "x.shape[2] * x.shape[3] == 1",
                "False",
                name="one-pixel-accepted",
                hint="One pixel less its own mean is zero, whatever it was. What does the "
                "docstring say to do about it?",
            ),
            *_gradient_misconceptions(instance_norm_backward),
            edit(
                instance_norm_backward,
                "g = grad_y * weight.view(1, -1, 1, 1)",
                "g = grad_y",
                name="weight-missing-in-grad-x",
                hint="Follow y = weight * x_hat + bias backwards: what multiplies grad_y first?",
            ),
            edit(
                instance_norm_backward,
                "axes = (2, 3)",
                "axes = (0, 2, 3)",
                name="over-the-batch-backwards",
                hint="The backward's means run over what the forward normalised: was the batch "
                "part of it?",
            ),
            edit(
                instance_norm_backward,
                "(grad_y * x_hat).sum(dim=(0, 2, 3))",
                "(grad_y * x).sum(dim=(0, 2, 3))",
                name="grad-weight-of-x",
                hint="What does weight multiply in the forward? That is its derivative.",
            ),
            edit(
                instance_norm_backward,
                "(grad_y * x_hat).sum(dim=(0, 2, 3))",
                "(grad_y * x_hat).sum(dim=(2, 3)).mean(dim=0)",
                name="grad-weight-averaged",
                hint="All images share one weight: how do their gradients come together?",
            ),
            edit(
                instance_norm_backward,
                "grad_y.sum(dim=(0, 2, 3))",
                "grad_y.mean(dim=(0, 2, 3))",
                name="grad-bias-averaged",
                hint="The bias enters every pixel once: how do their gradients come together?",
            ),
        ),
    ),
    Exercise(
        functions=(group_norm, group_norm_backward),
        checks=(
            values(
                group_norm,
                GROUP_NORM + GROUP_NORM_FORWARD_ONLY,
                points={"y": 2.5},
                name="forward",
            ),
            values(
                group_norm,
                GROUP_NORM_EXTREMES,
                points={"y": 1},
                name="one group, one per channel",
            ),
            precision(group_norm, GROUP_NORM_FLOAT32, points={"y": 0.5}, name="float32"),
            precision(
                group_norm, GROUP_NORM_LARGE_MEAN, points={"y": 0.5}, name="float32, large mean"
            ),
            gradients(
                group_norm_backward,
                upstream(group_norm, group_norm_backward, GROUP_NORM),
                points={"grad_x": 1.75, "grad_weight": 0.75, "grad_bias": 0.5},
                name="backward",
            ),
            gradients(
                group_norm_backward,
                upstream(group_norm, group_norm_backward, GROUP_NORM_EXTREMES),
                points={"grad_x": 0.75, "grad_weight": 0.5, "grad_bias": 0.25},
                name="one group, one per channel, backward",
            ),
            errors(group_norm, GROUP_NORM_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        misconceptions=(
            *_variance_misconceptions(group_norm, "groups"),
            edit(
                group_norm,
                "x.reshape(n, num_groups, -1, h, w), (2, 3, 4)",
                "x.reshape(n, -1, num_groups, h, w), (1, 3, 4)",
                name="interleaved-groups",
                hint="Groups are contiguous runs of channels: which channels share a group with "
                "the first one?",
            ),
            edit(
                group_norm,
                "x.reshape(n, num_groups, -1, h, w), (2, 3, 4)",
                "x.reshape(n, c // num_groups, -1, h, w), (2, 3, 4)",
                name="groups-of-that-size",
                hint="num_groups says how many groups there are, not how many channels are in one.",
            ),
            edit(
                group_norm,
                "(2, 3, 4)  #",
                "(3, 4)  #",
                name="instance-norm",
                hint="Do the channels of a group share their mean and variance?",
            ),
            edit(
                group_norm,
                "(2, 3, 4)  #",
                "(1, 2, 3, 4)  #",
                name="groups-ignored",
                hint="How many means are there for one image? One for each group.",
            ),
            edit(
                group_norm,
                "(2, 3, 4)  #",
                "(0, 2, 3, 4)  #",
                name="over-the-batch",
                hint="Group norm was made not to depend on the batch: over what do your means run?",
            ),
            edit(
                group_norm,
                "weight.view(1, -1, 1, 1) * x_hat",
                "weight[:num_groups].repeat_interleave(c // num_groups).view(1, -1, 1, 1) * x_hat",
                name="weight-per-group",
                hint="The channels of a group share their statistics; do they share their weight?",
            ),
            edit(
                group_norm,
                "c % num_groups != 0",
                "False",
                name="indivisible-accepted",
                hint="What should happen when the channels cannot be divided evenly? See what the "
                "docstring says is raised.",
            ),
            *_gradient_misconceptions(group_norm_backward),
            edit(
                group_norm_backward,
                "(grad_y * weight.view(1, -1, 1, 1)).reshape(groups.shape)",
                "grad_y.reshape(groups.shape)",
                name="weight-missing-in-grad-x",
                hint="Follow y = weight * x_hat + bias backwards: what multiplies grad_y first?",
            ),
            edit(
                group_norm_backward,
                "(grad_y * weight.view(1, -1, 1, 1)).reshape(groups.shape)",
                "grad_y.reshape(groups.shape); "
                "sigma = sigma / weight.view(1, num_groups, -1, 1, 1)",
                name="weight-after-the-means",
                hint="In batch norm weight is the same wherever a mean is taken, and may be "
                "multiplied last. Is that so within a group?",
            ),
            edit(
                group_norm_backward,
                "x.reshape(n, num_groups, -1, h, w), (2, 3, 4)",
                "x.reshape(n, -1, num_groups, h, w), (1, 3, 4)",
                name="interleaved-groups-backwards",
                hint="Groups are contiguous runs of channels, on the way back as well: which "
                "channels share the first one's mean?",
            ),
            edit(
                group_norm_backward,
                "(2, 3, 4)",
                "(3, 4)",
                name="instance-norm-backwards",
                hint="The backward's means run over what the forward normalised: all the values of "
                "a group.",
            ),
            edit(
                group_norm_backward,
                "grad_y.sum(dim=(0, 2, 3))",
                "grad_y.mean(dim=(0, 2, 3))",
                name="grad-bias-averaged",
                hint="The bias enters every pixel once: how do their gradients come together?",
            ),
            edit(
                group_norm_backward,
                "x_hat.reshape(x.shape)).sum",
                "x).sum",
                name="grad-weight-of-x",
                hint="What does weight multiply in the forward? That is its derivative.",
            ),
        ),
    ),
    Exercise(
        functions=(batch_instance_norm, batch_instance_norm_backward),
        checks=(
            values(
                batch_instance_norm,
                BATCH_INSTANCE_NORM_TRAINING,
                points={"y": 1.5, "running_mean": 0.25, "running_var": 0.5},
                name="training",
            ),
            values(
                batch_instance_norm,
                BATCH_INSTANCE_NORM_EVALUATION,
                points={"y": 0.75},
                name="evaluation",
            ),
            precision(
                batch_instance_norm,
                BATCH_INSTANCE_NORM_FLOAT32,
                points={"y": 0.25, "running_mean": 0.25, "running_var": 0.25},
                name="float32",
            ),
            gradients(
                batch_instance_norm_backward,
                upstream(
                    batch_instance_norm, batch_instance_norm_backward, BATCH_INSTANCE_NORM_TRAINING
                ),
                points={"grad_x": 1.5, "grad_rho": 1, "grad_weight": 0.5, "grad_bias": 0.25},
                name="training backward",
            ),
            gradients(
                batch_instance_norm_backward,
                upstream(
                    batch_instance_norm,
                    batch_instance_norm_backward,
                    BATCH_INSTANCE_NORM_EVALUATION,
                ),
                points={"grad_x": 0.75, "grad_rho": 0.5, "grad_weight": 0.5, "grad_bias": 0.25},
                name="evaluation backward",
            ),
            errors(batch_instance_norm, BATCH_INSTANCE_NORM_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                batch_instance_norm,
                "r * x_bn + (1 - r) * x_in",
                "r * x_in + (1 - r) * x_bn",
                name="gate-reversed",
                hint="Which of the two norms is left when rho is 1?",
            ),
            edit(
                batch_instance_norm,
                "r * x_bn + (1 - r) * x_in",
                "r * x_bn + x_in",
                name="no-complement",
                hint="A blend's two shares add up to one. Do yours?",
            ),
            edit(
                batch_instance_norm,
                "r * x_bn + (1 - r) * x_in",
                "torch.sqrt(r) * x_bn + torch.sqrt(1 - r) * x_in",
                name="gates-under-roots",
                hint="Roots would keep the variance of a sum of independent terms. What does the "
                "paper's formula have?",
            ),
            edit(
                batch_instance_norm,
                "r = rho.view(1, -1, 1, 1)",
                "r = torch.sigmoid(rho).view(1, -1, 1, 1)",
                name="sigmoid-gate",
                hint="How is rho kept in [0, 1] here: by a function in the forward, or by what is "
                "done after each step of the optimiser?",
            ),
            edit(
                batch_instance_norm,
                "r = rho.view(1, -1, 1, 1)",
                "r = rho.mean()",
                name="one-gate-for-all",
                hint="Some channels carry style and some content: how many gates are there?",
            ),
            edit(
                batch_instance_norm,
                "x_hat * weight.view(1, -1, 1, 1)",
                "(r * x_bn * weight.view(1, -1, 1, 1) + (1 - r) * x_in)",
                name="weight-on-batch-norm-only",
                hint="When is weight multiplied: before or after the two are blended?",
            ),
            edit(
                batch_instance_norm,
                "x_in = instance_norm(x, one, zero, eps)",
                "x_in = layer_norm(x, torch.ones_like(x[0]), torch.zeros_like(x[0]), eps)",
                name="layer-norm-for-instance-norm",
                hint="Over which dimensions does instance norm take its mean? The channels stay "
                "apart.",
            ),
            edit(
                batch_instance_norm,
                "zero, training, momentum, eps",
                "zero, True, momentum, eps",
                name="training-in-evaluation",
                hint="In evaluation batch norm's half uses the running statistics, and leaves them "
                "as they are.",
            ),
            edit(
                batch_instance_norm,
                "x_in = instance_norm(x, one, zero, eps)",
                "x_in = instance_norm(x, one, zero, eps) if training else batch_norm("
                "x, running_mean, running_var, one, zero, False, momentum, eps)",
                name="running-statistics-for-instance-norm",
                hint="Does instance norm have running statistics? What does it do in evaluation?",
            ),
            edit(
                batch_instance_norm,
                "x, running_mean, running_var, one",
                "x, running_mean.clone(), running_var.clone(), one",
                name="running-statistics-not-updated",
                hint="Whose tensors have been updated after the call: the caller's, or copies?",
            ),
            edit(
                batch_instance_norm,
                "zero, training, momentum, eps",
                "zero, training, 1 - momentum, eps",
                name="momentum-swapped",
                hint="In this course, as in PyTorch, momentum is the weight of the new statistic.",
            ),
            edit(
                batch_norm,
                "var * m / (m - 1)",
                "var",
                name="biased-running-variance",
                hint="Two variances are at work here: which one normalises, and which one "
                "estimates the variance of data not yet seen?",
            ),
            edit(
                batch_instance_norm,
                "instance_norm(x, one, zero, eps)",
                "instance_norm(x, one, zero)",
                name="eps-missing-in-instance-norm",
                hint="Both norms need the caller's eps.",
            ),
            edit(
                batch_instance_norm_backward,
                "weight * (along_bn - along_in)",
                "(along_bn - along_in)",
                name="weight-missing-in-grad-rho",
                hint="rho is blended before weight is multiplied: what lies between it and y?",
            ),
            edit(
                batch_instance_norm_backward,
                "weight * (along_bn - along_in)",
                "weight * along_bn",
                name="grad-rho-of-batch-norm-only",
                hint="In how many places does rho stand in the forward?",
            ),
            edit(
                batch_instance_norm_backward,
                "weight * (along_bn - along_in)",
                "weight * (along_bn + along_in)",
                name="grad-rho-sign",
                hint="What is the derivative of 1 - rho?",
            ),
            edit(
                batch_instance_norm_backward,
                "weight * (along_bn - along_in)",
                "weight * (along_bn - along_in) * ((rho > 0) & (rho < 1))",
                name="grad-rho-zero-at-the-ends",
                hint="rho starts at 1. If its gradient is zero there, when will it ever move?",
            ),
            edit(
                batch_instance_norm_backward,
                "rho * weight, training, eps",
                "weight, training, eps",
                name="rho-missing-in-grad-x",
                hint="How much of grad_y goes through batch norm, and how much through instance "
                "norm?",
            ),
            edit(
                batch_instance_norm_backward,
                "return through_bn + through_in",
                "return through_bn",
                name="instance-norm-path-dropped",
                hint="x reaches y on two ways: grad_x is the sum over both.",
            ),
            edit(
                batch_instance_norm_backward,
                "return through_bn + through_in",
                "return through_in",
                name="batch-norm-path-dropped",
                hint="x reaches y on two ways: grad_x is the sum over both.",
            ),
            edit(
                batch_instance_norm_backward,
                "rho * along_bn + (1 - rho) * along_in",
                "along_bn + along_in",
                name="grad-weight-not-blended",
                hint="What does weight multiply in the forward? That is its derivative.",
            ),
            edit(
                batch_instance_norm_backward,
                "rho * weight, training, eps",
                "rho * weight, True, eps",
                name="training-gradient-in-evaluation",
                hint="In evaluation the running statistics do not depend on x: which paths are "
                "left in batch norm's half?",
            ),
            edit(
                batch_instance_norm_backward,
                "grad_rho, grad_weight, grad_bias",
                "grad_weight, grad_rho, grad_bias",
                name="gradients-in-another-order",
                hint="In which order does the docstring return the gradients?",
            ),
        ),
    ),
    Exercise(
        functions=(clip_rho_,),
        checks=(
            values(clip_rho_, GATES, points={"result": 4, "rho": 5}, name="values"),
            precision(
                clip_rho_, GATES_FLOAT32, points={"result": 0.25, "rho": 0.25}, name="float32"
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                clip_rho_,
                "rho.clamp_(0, 1)",
                "rho.clamp(0, 1)",
                name="not-in-place",
                hint="The underscore promises that the caller's own tensor changes. Which tensor "
                "did you change?",
            ),
            edit(
                clip_rho_,
                "rho.clamp_(0, 1)",
                "None if rho.clamp_(0, 1) is rho else rho",
                name="nothing-returned",
                hint="PyTorch's functions that end in an underscore return the tensor that they "
                "changed.",
            ),
            edit(
                clip_rho_,
                "rho.clamp_(0, 1)",
                "rho.clamp_(max=1)",
                name="upper-end-only",
                hint="A step may carry a gate out of [0, 1] on either side.",
            ),
            edit(
                clip_rho_,
                "rho.clamp_(0, 1)",
                "rho.clamp_(min=0)",
                name="lower-end-only",
                hint="A step may carry a gate out of [0, 1] on either side.",
            ),
            edit(
                clip_rho_,
                "rho.clamp_(0, 1)",
                "rho.sigmoid_()",
                name="squashed",
                hint="A gate that is in [0, 1] already should stay where it is: does yours?",
            ),
            edit(
                clip_rho_,
                "rho.clamp_(0, 1)",
                "rho.sub_(rho.min()).div_(rho.max())",
                name="rescaled",
                hint="Gates that are in [0, 1] should stay where they are, whatever the others do.",
            ),
            edit(
                clip_rho_,
                "rho.clamp_(0, 1)",
                "rho.clamp_(-1, 1)",
                name="wrong-range",
                hint="What would a negative share of batch norm mean?",
            ),
        ),
    ),
)
