"""Group normalisation, of each group of channels of each image."""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import (
    _affine,
    _gradient_misconceptions,
    _styles,
    _transposed,
    _variance_misconceptions,
    _with_zero,
)


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


def _group_norm_backward_in_one(grad_y, x, num_groups, weight, eps=1e-5):
    """The same, simplified on paper first."""
    n, c, h, w = x.shape
    m = c // num_groups * (h * w)
    groups = x.reshape(n, num_groups, -1)
    mean = groups.mean(dim=2, keepdim=True)
    var = ((groups - mean) ** 2).mean(dim=2, keepdim=True)
    x_hat = (groups - mean) / torch.sqrt(var + eps)
    grad_weight = (grad_y * x_hat.reshape(x.shape)).sum(dim=(0, 2, 3))
    grad_bias = grad_y.sum(dim=(0, 2, 3))
    g = (grad_y * weight.view(1, -1, 1, 1)).reshape(groups.shape)
    through_mean = g.sum(dim=2, keepdim=True)
    through_var = x_hat * (g * x_hat).sum(dim=2, keepdim=True)
    grad_x = (m * g - through_mean - through_var) / m / torch.sqrt(var + eps)
    return grad_x.reshape(x.shape), grad_weight, grad_bias


def _group_norm_backward_by_stages(grad_y, x, num_groups, weight, eps=1e-5):
    """The same, one node of the graph after the other."""
    n, c, h, w = x.shape
    m = c // num_groups * (h * w)
    groups = x.reshape(n, num_groups, -1)
    mean = groups.mean(dim=2, keepdim=True)
    var = ((groups - mean) ** 2).mean(dim=2, keepdim=True)
    sigma = torch.sqrt(var + eps)
    x_hat = (groups - mean) / sigma
    grad_weight = (grad_y * x_hat.reshape(x.shape)).sum(dim=(0, 2, 3))
    grad_bias = grad_y.sum(dim=(0, 2, 3))
    grad_x_hat = (grad_y * weight.view(1, -1, 1, 1)).reshape(groups.shape)
    along = (grad_x_hat * (groups - mean)).sum(dim=2, keepdim=True)
    grad_var = -0.5 * along / (sigma * sigma * sigma)
    grad_centred = grad_x_hat / sigma + 2 * (groups - mean) / m * grad_var
    grad_mean = -grad_centred.sum(dim=2, keepdim=True)
    grad_x = grad_centred + grad_mean / m
    return grad_x.reshape(x.shape), grad_weight, grad_bias


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

EXERCISES = (
    Exercise(
        functions=(group_norm, group_norm_backward),
        checks=(
            values(
                group_norm,
                GROUP_NORM + GROUP_NORM_FORWARD_ONLY,
                points={"y": 2},
                name="forward",
            ),
            values(
                group_norm,
                GROUP_NORM_EXTREMES,
                points={"y": 1},
                name="one group, one per channel",
            ),
            precision(group_norm, GROUP_NORM_FLOAT32, points={"y": 0.25}, name="float32"),
            precision(
                group_norm, GROUP_NORM_LARGE_MEAN, points={"y": 1.25}, name="float32, large mean"
            ),
            gradients(
                group_norm_backward,
                upstream(group_norm, group_norm_backward, GROUP_NORM),
                points={"grad_x": 1.5, "grad_weight": 0.5, "grad_bias": 0.25},
                name="backward",
            ),
            gradients(
                group_norm_backward,
                upstream(group_norm, group_norm_backward, GROUP_NORM_EXTREMES),
                points={"grad_x": 0.75, "grad_weight": 0.5, "grad_bias": 0.25},
                name="one group, one per channel, backward",
            ),
            precision(
                group_norm_backward,
                upstream(group_norm, group_norm_backward, GROUP_NORM_FLOAT32),
                points={"grad_x": 0.25, "grad_weight": 0.25, "grad_bias": 0.25},
                name="backward in float32",
            ),
            errors(group_norm, GROUP_NORM_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        ways=(
            (group_norm_backward, _group_norm_backward_in_one),
            (group_norm_backward, _group_norm_backward_by_stages),
        ),
        misconceptions=(
            edit(
                group_norm,
                "-1, h, w), (2, 3, 4)",
                "-1, h, w), (2,)",
                name="pixels-apart",
                hint="A group is normalised over its channels and over what else? How many mean "
                "values has one image with two groups?",
            ),
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
                "x.reshape(n, x.shape[1] // num_groups, -1, h, w), (2, 3, 4)",
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
                "((groups - mean) ** 2).mean",
                "((groups - groups.mean(dim=(3, 4), keepdim=True)) ** 2).mean",
                name="variance-around-each-channel",
                hint="The variance of a group is the mean squared distance from the mean of the "
                "group. Do the variances of its channels know how far apart the channels' means "
                "are?",
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
                "x.reshape(n, num_groups, -1, h, w), (2, 3, 4)",
                "x.reshape(n, -1, num_groups, h, w).transpose(1, 2), (2, 3, 4)",
                name="interleaved-and-not-put-back",
                hint="Your groups take every so manieth channel, and their results are written "
                "side by side: into which channel of y does the second channel of x go?",
            ),
            edit(
                group_norm,
                "groups, axes = x.reshape(",
                "x, weight = x * weight.view(1, -1, 1, 1), torch.ones_like(weight); "
                "groups, axes = x.reshape(",
                name="weight-before-normalising",
                hint="What is the variance of a group of your y, whatever weight is? Which comes "
                "first, the normalisation or the weight?",
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
)
