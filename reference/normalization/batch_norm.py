"""Batch normalisation, in training and in evaluation."""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import _channels


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


def _batch_norm_backward_by_stages(
    grad_y, x, running_mean, running_var, weight, training, eps=1e-5
):
    """The same, one node of the graph after the other (Ioffe & Szegedy 2015, section 3)."""
    axes = [axis for axis in range(x.dim()) if axis != 1]
    shape = [1, -1] + [1] * (x.dim() - 2)
    m = x.shape[0] * x[0, 0].numel()
    if training:
        mean = x.mean(dim=axes).view(shape)
        var = ((x - mean) ** 2).mean(dim=axes).view(shape)
    else:
        mean, var = running_mean.view(shape), running_var.view(shape)
    sigma = torch.sqrt(var + eps)
    x_hat = (x - mean) / sigma
    grad_x_hat = grad_y * weight.view(shape)
    grad_weight = (grad_y * x_hat).sum(dim=axes)
    grad_bias = grad_y.sum(dim=axes)
    if not training:
        return grad_x_hat / sigma, grad_weight, grad_bias
    along = (grad_x_hat * (x - mean)).sum(dim=axes, keepdim=True)
    grad_var = -0.5 * along / (sigma * sigma * sigma)
    grad_centred = grad_x_hat / sigma + 2 * (x - mean) / m * grad_var
    grad_mean = -grad_centred.sum(dim=axes, keepdim=True)
    grad_x = grad_centred + grad_mean / m
    return grad_x, grad_weight, grad_bias


def _batch_norm_backward_in_one(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    """The same, simplified on paper first."""
    axes = [axis for axis in range(x.dim()) if axis != 1]
    shape = [1, -1] + [1] * (x.dim() - 2)
    m = x.shape[0] * x[0, 0].numel()
    if training:
        mean = x.mean(dim=axes).view(shape)
        var = ((x - mean) ** 2).mean(dim=axes).view(shape)
    else:
        mean, var = running_mean.view(shape), running_var.view(shape)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    scale = weight.view(shape) / torch.sqrt(var + eps)
    grad_weight = (grad_y * x_hat).sum(dim=axes)
    grad_bias = grad_y.sum(dim=axes)
    if not training:
        return scale * grad_y, grad_weight, grad_bias
    through_mean, through_var = grad_bias.view(shape), x_hat * grad_weight.view(shape)
    return scale / m * (m * grad_y - through_mean - through_var), grad_weight, grad_bias


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

EXERCISES = (
    Exercise(
        functions=(batch_norm, batch_norm_backward),
        checks=(
            values(
                batch_norm,
                BATCH_NORM_TRAINING + BATCH_NORM_FORWARD_ONLY,
                points={"y": 1.25, "running_mean": 0.5, "running_var": 0.75},
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
                points={"y": 0.5, "running_mean": 0.25, "running_var": 0.5},
                name="float32, large mean",
            ),
            gradients(
                batch_norm_backward,
                upstream(batch_norm, batch_norm_backward, BATCH_NORM_TRAINING),
                points={"grad_x": 1.25, "grad_weight": 0.25, "grad_bias": 0.25},
                name="training backward",
            ),
            gradients(
                batch_norm_backward,
                upstream(batch_norm, batch_norm_backward, BATCH_NORM_EVALUATION),
                points={"grad_x": 0.5, "grad_weight": 0.25, "grad_bias": 0.25},
                name="evaluation backward",
            ),
            precision(
                batch_norm_backward,
                upstream(batch_norm, batch_norm_backward, BATCH_NORM_FLOAT32),
                points={"grad_x": 0.25, "grad_weight": 0.25, "grad_bias": 0.25},
                name="backward in float32",
            ),
            errors(batch_norm, BATCH_NORM_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        ways=(
            (batch_norm_backward, _batch_norm_backward_by_stages),
            (batch_norm_backward, _batch_norm_backward_in_one),
        ),
        misconceptions=(
            edit(
                batch_norm,
                "(running_var, var * m / (m - 1))",
                "(running_var, var + eps)",
                name="eps-in-running-variance",
                hint="eps keeps a division finite. Is it part of the variance that you remember, "
                "and which of the two variances is remembered?",
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
                "torch.sqrt(var.view(shape) + eps)",
                "(1 / (1 / torch.sqrt(var.view(shape)) + eps))",
                name="eps-added-to-the-inverse",
                hint="rsqrt(var) + eps: to what is eps added there, to a variance or to one over a "
                "standard deviation? And which of the two may be zero?",
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
                hint="After the call the running statistics are what they were. Are they updated, "
                "and in place? `name = ...` gives the name to a new tensor, and the caller's does "
                "not know of it.",
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
                "(x - mean.view(shape)) / torch.sqrt(var.view(shape) + eps)",
                "(x - mean.view(shape)) / torch.sqrt(var.view(shape) + eps) if training else x",
                name="not-normalised-in-evaluation",
                hint="The layers that follow were trained on normalised numbers: what do they get "
                "in evaluation?",
            ),
            edit(
                batch_norm,
                "mean, var = running_mean, running_var",
                "mean, var = running_mean.clone(), running_var.clone()\n        running_mean.copy_("
                "(1 - momentum) * running_mean + momentum * x.mean(dim=axes))",
                name="running-mean-updated-in-evaluation",
                hint="A trained network should answer alike today and tomorrow: what may "
                "evaluation change?",
            ),
            edit(
                batch_norm,
                "((x - mean.view(shape)) ** 2).mean(dim=axes)",
                "((x - x.mean(dim=axes[1:] or axes, keepdim=True)) ** 2).mean(dim=axes)",
                name="variance-within-each-image",
                hint="The variance of a channel is the mean squared distance from the channel's "
                "mean. Do the variances of single images know how far apart the images' means are?",
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
                "direct - through_mean - through_var",
                "direct - (through_mean + through_var) * direct[0, 0].numel()",
                name="counted-without-the-pixels",
                hint="Over how many values were mean and variance taken? A channel of images has "
                "N * H * W of them, not N.",
            ),
            edit(
                batch_norm_backward,
                "(direct * x_hat).mean(dim=axes, keepdim=True)",
                "direct * x_hat / (x.numel() / x.shape[1])",
                name="each-value-by-itself",
                hint="Each value moves the variance, and the variance moves all values of the "
                "channel: over what must the gradient be summed on the path through the variance?",
            ),
            edit(
                batch_norm_backward,
                "direct - through_mean - through_var",
                "(direct - through_mean - through_var).sum(dim=0, keepdim=True).expand(x.shape)",
                name="grad-x-summed-over-the-batch",
                hint="Weight and bias are shared by all examples, so that their gradients are "
                "summed. Is x shared?",
            ),
            edit(
                batch_norm_backward,
                "return direct - through_mean - through_var",
                "return grad_y",
                name="grad-y-returned",
                hint="What lies between x and y that grad_y has to pass on its way back?",
            ),
            edit(
                batch_norm_backward,
                "grad_y * weight.view(shape) / sigma",
                "grad_y * weight.view(shape) / torch.sqrt(var).view(shape)",
                name="eps-missing-in-the-last-division",
                hint="Your x_hat has eps in its root. Has the sigma that grad_y is divided by?",
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
)
