"""Normalisation: the same statistics, taken over different axes.

Every function works on images `(N, C, H, W)`; batch norm also on features `(N, C)`.
"""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, uniform, upstream


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    """Normalise each channel over the batch (Ioffe & Szegedy 2015, algorithms 1 and 2).

    In training mode, with the mean and the biased variance of the m = N * H * W values of a channel,

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
        running_mean.copy_((1 - momentum) * running_mean + momentum * mean)
        running_var.copy_((1 - momentum) * running_var + momentum * var * m / (m - 1))
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
    grad_x = grad_y * weight.view(shape) / sigma
    if training:
        mean_path = grad_x.mean(dim=axes, keepdim=True)
        var_path = x_hat * (grad_x * x_hat).mean(dim=axes, keepdim=True)
        grad_x = grad_x - mean_path - var_path
    return grad_x, grad_weight, grad_bias


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
        "images", public=True, x=normal(4, 3, 5, 6, mean=1.0, std=2.0), **_channels(3), training=True
    ),
    case("features", x=normal(7, 5, mean=1.0, std=2.0), **_channels(5), training=True),
    case("two values per channel", x=normal(2, 4, 1, 1), **_channels(4), training=True),
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
        "offset channels",
        x=normal(4, 3, 4, 4).map(lambda t: t + torch.tensor([-3.0, 0.0, 20.0]).view(1, 3, 1, 1)),
        **_channels(3),
        training=True,
    ),
)
BATCH_NORM_EVAL = (
    case("one image", public=True, x=normal(1, 3, 4, 5), **_channels(3), training=False),
    case("large eps", x=normal(5, 4, 3, 2, mean=2.0), **_channels(4), training=False, eps=0.1),
    case("features", x=normal(6, 5, mean=-1.0), **_channels(5), training=False),
)
BATCH_NORM_FLOAT32 = (
    case("images", public=True, x=normal(8, 4, 6, 6, mean=1.0), **_channels(4), training=True),
    case(
        "mean of 100 deviations", x=normal(8, 4, 6, 6, mean=100.0), **_channels(4), training=True
    ),
    case("evaluation", x=normal(3, 4, 6, 6), **_channels(4), training=False),
)

EXERCISES = (
    Exercise(
        functions=(batch_norm, batch_norm_backward),
        checks=(
            values(
                batch_norm,
                BATCH_NORM_TRAINING,
                points={"y": 2, "running_mean": 0.5, "running_var": 1},
                name="training",
            ),
            values(
                batch_norm,
                BATCH_NORM_EVAL,
                points={"y": 0.5, "running_mean": 0.25, "running_var": 0.25},
                name="evaluation",
            ),
            precision(
                batch_norm,
                BATCH_NORM_FLOAT32,
                points={"y": 0.5, "running_mean": 0.25, "running_var": 0.25},
                name="float32",
            ),
            gradients(
                batch_norm_backward,
                upstream(batch_norm, batch_norm_backward, BATCH_NORM_TRAINING),
                points={"grad_x": 1.5, "grad_weight": 0.5, "grad_bias": 0.5},
                name="training backward",
            ),
            gradients(
                batch_norm_backward,
                upstream(batch_norm, batch_norm_backward, BATCH_NORM_EVAL),
                points={"grad_x": 0.5, "grad_weight": 0.25, "grad_bias": 0.25},
                name="evaluation backward",
            ),
            errors(
                batch_norm,
                (
                    case("one value", x=normal(1, 3, 1, 1), **_channels(3), training=True),
                    case("one feature row", x=normal(1, 4), **_channels(4), training=True),
                ),
                points=0.5,
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                batch_norm,
                "momentum * var * m / (m - 1)",
                "momentum * var",
                name="biased-running-variance",
                hint="Two variances are at work here: which one normalises, and which one estimates "
                "the variance of data not yet seen?",
            ),
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
                "(1 - momentum) * running_mean + momentum * mean",
                "momentum * running_mean + (1 - momentum) * mean",
                name="momentum-swapped-mean",
                hint="In this course, as in PyTorch, momentum is the weight of the new statistic.",
            ),
            edit(
                batch_norm_backward,
                "grad_x - mean_path - var_path",
                "grad_x - var_path",
                name="mean-path-dropped",
                hint="Every x changes the batch's mean, and so every other output: which path of "
                "the graph is that?",
            ),
            edit(
                batch_norm_backward,
                "grad_x - mean_path - var_path",
                "grad_x",
                name="statistics-constant",
                hint="In training mode mean and variance are functions of x: their paths belong to "
                "the gradient.",
            ),
            edit(
                batch_norm_backward,
                "grad_y * weight.view(shape) / sigma",
                "grad_y / sigma",
                name="weight-missing-in-grad-x",
                hint="Follow y = weight * x_hat + bias backwards: what multiplies grad_y first?",
            ),
        ),
    ),
)
