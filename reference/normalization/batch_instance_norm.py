"""Batch-instance normalisation, and the clipping of its gates."""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import _channels, _styles, _transposed, _with_zero
from .batch_norm import batch_norm, batch_norm_backward
from .instance_norm import instance_norm, instance_norm_backward


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

EXERCISES = (
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
                points={"grad_x": 1, "grad_rho": 0.75, "grad_weight": 0.5, "grad_bias": 0.25},
                name="training backward",
            ),
            gradients(
                batch_instance_norm_backward,
                upstream(
                    batch_instance_norm,
                    batch_instance_norm_backward,
                    BATCH_INSTANCE_NORM_EVALUATION,
                ),
                points={"grad_x": 0.75, "grad_rho": 0.5, "grad_weight": 0.25, "grad_bias": 0.25},
                name="evaluation backward",
            ),
            precision(
                batch_instance_norm_backward,
                upstream(
                    batch_instance_norm, batch_instance_norm_backward, BATCH_INSTANCE_NORM_FLOAT32
                ),
                points={"grad_x": 0.25, "grad_rho": 0.25, "grad_weight": 0.25, "grad_bias": 0.25},
                name="backward in float32",
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
