"""Instance normalisation, of each image and channel."""

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
from .group_norm import group_norm, group_norm_backward


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


def _instance_norm_by_groups(x, weight, bias, eps=1e-5):
    """The same: as many groups as channels."""
    if x.shape[2] * x.shape[3] == 1:
        raise ValueError("instance norm needs more than one pixel")
    return group_norm(x, x.shape[1], weight, bias, eps)


def _instance_norm_backward_by_groups(grad_y, x, weight, eps=1e-5):
    """The same, backwards."""
    return group_norm_backward(grad_y, x, x.shape[1], weight, eps)


def _instance_norm_backward_in_one(grad_y, x, weight, eps=1e-5):
    """The same, simplified on paper first."""
    _, _, h, w = x.shape
    m = h * w
    mean = x.mean(dim=(2, 3), keepdim=True)
    var = ((x - mean) ** 2).mean(dim=(2, 3), keepdim=True)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    grad_weight = (grad_y * x_hat).sum(dim=(0, 2, 3))
    grad_bias = grad_y.sum(dim=(0, 2, 3))
    g = grad_y * weight.view(1, -1, 1, 1)
    through_mean = g.sum(dim=(2, 3), keepdim=True)
    through_var = x_hat * (g * x_hat).sum(dim=(2, 3), keepdim=True)
    grad_x = (m * g - through_mean - through_var) / m / torch.sqrt(var + eps)
    return grad_x, grad_weight, grad_bias


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

EXERCISES = (
    Exercise(
        functions=(instance_norm, instance_norm_backward),
        checks=(
            values(
                instance_norm,
                INSTANCE_NORM + INSTANCE_NORM_FORWARD_ONLY,
                points={"y": 3},
                name="forward",
            ),
            precision(instance_norm, INSTANCE_NORM_FLOAT32, points={"y": 0.25}, name="float32"),
            precision(
                instance_norm,
                INSTANCE_NORM_LARGE_MEAN,
                points={"y": 1.25},
                name="float32, large mean",
            ),
            gradients(
                instance_norm_backward,
                upstream(instance_norm, instance_norm_backward, INSTANCE_NORM),
                points={"grad_x": 2.25, "grad_weight": 1, "grad_bias": 0.5},
                name="backward",
            ),
            precision(
                instance_norm_backward,
                upstream(instance_norm, instance_norm_backward, INSTANCE_NORM_FLOAT32),
                points={"grad_x": 0.25, "grad_weight": 0.25, "grad_bias": 0.25},
                name="backward in float32",
            ),
            errors(instance_norm, INSTANCE_NORM_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        ways=(
            (instance_norm, _instance_norm_by_groups),
            (instance_norm_backward, _instance_norm_backward_by_groups),
            (instance_norm_backward, _instance_norm_backward_in_one),
        ),
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
                "x_hat = (x - mean)",
                "x_hat = (x - x.mean(dim=(0, 2, 3), keepdim=True))",
                name="mean-over-the-batch",
                hint="Your variance is that of one image. Is the mean that you take off it? What "
                "is the mean of each channel of each image after that?",
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
)
