"""Layer normalisation, over the trailing dimensions."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import (
    _affine,
    _gradient_misconceptions,
    _transposed,
    _variance_misconceptions,
    _with_zero,
)
from .group_norm import group_norm, group_norm_backward


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


def _layer_norm_by_groups(x, weight, bias, eps=1e-5):
    """The same: each slice is an image of one group, with a pixel per channel."""
    slices = x.reshape(-1, weight.numel(), 1, 1)
    return group_norm(slices, 1, weight.reshape(-1), bias.reshape(-1), eps).reshape(x.shape)


def _layer_norm_backward_by_groups(grad_y, x, weight, eps=1e-5):
    """The same, backwards."""
    slices, g = (t.reshape(-1, weight.numel(), 1, 1) for t in (x, grad_y))
    grad_x, grad_weight, grad_bias = group_norm_backward(g, slices, 1, weight.reshape(-1), eps)
    return (
        grad_x.reshape(x.shape),
        grad_weight.reshape(weight.shape),
        grad_bias.reshape(weight.shape),
    )


def _layer_norm_backward_in_one(grad_y, x, weight, eps=1e-5):
    """The same, simplified on paper first."""
    axes = tuple(range(-weight.dim(), 0))
    m = weight.numel()
    mean = x.mean(dim=axes, keepdim=True)
    var = ((x - mean) ** 2).mean(dim=axes, keepdim=True)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    grad_weight = (grad_y * x_hat).reshape(-1, *weight.shape).sum(dim=0)
    grad_bias = grad_y.reshape(-1, *weight.shape).sum(dim=0)
    g = grad_y * weight
    through_mean = g.sum(dim=axes, keepdim=True)
    through_var = x_hat * (g * x_hat).sum(dim=axes, keepdim=True)
    grad_x = (m * g - through_mean - through_var) / m / torch.sqrt(var + eps)
    return grad_x, grad_weight, grad_bias


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

EXERCISES = (
    Exercise(
        functions=(layer_norm, layer_norm_backward),
        checks=(
            values(
                layer_norm,
                LAYER_NORM_LAST + LAYER_NORM_FORWARD_ONLY,
                points={"y": 2},
                name="last dimension",
            ),
            values(layer_norm, LAYER_NORM_SEVERAL, points={"y": 1.25}, name="several dimensions"),
            precision(layer_norm, LAYER_NORM_FLOAT32, points={"y": 0.25}, name="float32"),
            precision(
                layer_norm, LAYER_NORM_LARGE_MEAN, points={"y": 1.25}, name="float32, large mean"
            ),
            gradients(
                layer_norm_backward,
                upstream(layer_norm, layer_norm_backward, LAYER_NORM_LAST),
                points={"grad_x": 1.5, "grad_weight": 0.5, "grad_bias": 0.25},
                name="last dimension backward",
            ),
            gradients(
                layer_norm_backward,
                upstream(layer_norm, layer_norm_backward, LAYER_NORM_SEVERAL),
                points={"grad_x": 1, "grad_weight": 0.5, "grad_bias": 0.25},
                name="several dimensions backward",
            ),
            precision(
                layer_norm_backward,
                upstream(layer_norm, layer_norm_backward, LAYER_NORM_FLOAT32),
                points={"grad_x": 0.25, "grad_weight": 0.25, "grad_bias": 0.25},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        ways=(
            (layer_norm, _layer_norm_by_groups),
            (layer_norm_backward, _layer_norm_backward_by_groups),
            (layer_norm_backward, _layer_norm_backward_in_one),
        ),
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
                "mean = x.mean(dim=axes, keepdim=True)",
                "x, weight = weight * x, 1.0; mean = x.mean(dim=axes, keepdim=True)",
                name="weight-before-normalising",
                hint="What is the variance of your y, whatever weight is? Which comes first, the "
                "normalisation or the weight?",
            ),
            edit(
                layer_norm,
                "mean = x.mean(dim=axes, keepdim=True)",
                "x, weight, bias = weight * x + bias, 1.0, 0.0; "
                "mean = x.mean(dim=axes, keepdim=True)",
                name="weight-and-bias-before-normalising",
                hint="What are the mean and the variance of your y, whatever weight and bias are? "
                "Which comes first, the normalisation or they?",
            ),
            edit(
                layer_norm,
                "weight * x_hat + bias",
                "weight * (x_hat + bias)",
                name="bias-scaled",
                hint="y = weight * x_hat + bias: which of the two comes last?",
            ),
            edit(
                layer_norm_backward,
                "g - through_mean - through_var",
                "g - (through_mean + through_var) * x_hat.numel() / sigma.numel() ** 2",
                name="counted-over-the-examples",
                hint="Over how many numbers did the forward take its mean: one example's, or as "
                "many as there are examples?",
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
)
