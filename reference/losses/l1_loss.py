"""The absolute error."""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import (
    DIFFERENCES,
    DIFFERENCES_FLOAT32,
    OTHER_SHAPES,
    _reduce,
    _refuse_other_shapes,
    _same_first,
)


def l1_loss(input, target, reduction="mean"):
    """The absolute error (Hastie, Tibshirani & Friedman 2009, section 10.6), element by element:

        loss = |input - target|.

    It grows as fast far out as near by, so outliers weigh less than in `mse_loss`.

    Args:
        input: the prediction, of any shape.
        target: of the shape of input; ValueError otherwise, nothing is broadcast.
        reduction: "none"; "mean", over all elements; or "sum".

    Returns:
        the loss, of the shape of input for "none", else `()`.
    """
    _refuse_other_shapes(input, target)
    loss = (input - target).abs()
    return _reduce(loss, reduction)


def l1_loss_backward(grad_y, input, target, reduction="mean"):
    """The gradient of `l1_loss`: the sign of input - target, however large the difference.

    Where input equals target every derivative in [-1, 1] is right; PyTorch takes 0.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction: what the forward received.

    Returns:
        grad_input, of the shape of input.
    """
    grad_loss = grad_y / input.numel() if reduction == "mean" else grad_y
    return grad_loss * torch.sign(input - target)


EQUAL = (
    case(
        "three of them equal",
        public=True,
        kinks=("input",),
        input=_same_first(normal(3, 4), 3),
        target=_same_first(normal(3, 4), 3),
        reduction="none",
    ),
    case(
        "some of them equal, mean",
        kinks=("input",),
        input=_same_first(normal(3, 4), 5),
        target=_same_first(normal(3, 4), 5),
    ),
)

EXERCISES = (
    Exercise(
        functions=(l1_loss, l1_loss_backward),
        checks=(
            values(l1_loss, DIFFERENCES, points={"loss": 3}, name="loss"),
            precision(l1_loss, DIFFERENCES_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                l1_loss_backward,
                upstream(l1_loss, l1_loss_backward, DIFFERENCES),
                points={"grad_input": 3},
                name="backward",
            ),
            gradients(
                l1_loss_backward,
                upstream(l1_loss, l1_loss_backward, EQUAL),
                points={"grad_input": 1},
                name="backward where input equals target",
            ),
            precision(
                l1_loss_backward,
                upstream(l1_loss, l1_loss_backward, DIFFERENCES_FLOAT32),
                points={"grad_input": 0.5},
                name="backward in float32",
            ),
            errors(l1_loss, OTHER_SHAPES, points=1),
        ),
        misconceptions=(
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = input - target",
                name="absolute-value-missing",
                hint="Can your loss become negative? Look at a prediction that is too small.",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = (input - target) ** 2",
                name="square-for-absolute-value",
                hint="A difference of 10 should cost ten times as much as one of 1: how much "
                "does yours?",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = torch.sqrt((input - target) ** 2 + 1e-8)",
                name="smoothed-at-zero",
                hint="What does your loss give for a perfect prediction? A small number under a "
                "root stays.",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = input.abs() - target.abs()",
                name="difference-of-absolute-values",
                hint="How far apart are -1 and 1? The order of the two operations matters.",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = 0.5 * (input - target).abs()",
                name="halved",
                hint="The factor 1/2 belongs to squares, where it cancels against a 2.",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(input - target, reduction).abs()",
                name="absolute-value-after-the-reduction",
                hint="Errors of +1 and -1 must not cancel: what comes first, the sum or the "
                "absolute value?",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of elements? A mean does not.",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(input) if reduction == 'mean' else _reduce(loss, "
                "reduction)",
                name="mean-over-the-batch-only",
                hint="With four features per row there are four errors per row: by how many do "
                "you divide?",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return loss.mean()",
                name="reduction-ignored",
                hint="What shape should the result have with reduction='none'?",
            ),
            edit(
                l1_loss,
                "_refuse_other_shapes(input, target)",
                "pass",
                name="shapes-broadcast",
                hint="What is the shape of (5, 1) minus (5,)? See whether every number of it is an "
                "error that you meant.",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "(input - target)",
                name="difference-for-sign",
                hint="How steep is |d| at d = 10, and how steep at d = 0.1?",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "torch.sign(target - input)",
                name="sign-reversed",
                hint="When the prediction is too large and grows, does the loss grow or fall?",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "torch.sign(input)",
                name="sign-of-the-input",
                hint="The kink is where input equals target. Where is it in your gradient?",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "(input > target)",
                name="nothing-from-below",
                hint="What is the slope of |d| for negative d? It is not 0.",
            ),
            edit(
                l1_loss_backward,
                "grad_y / input.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of elements. Where is that in the gradient?",
            ),
            edit(
                l1_loss_backward,
                "grad_y / input.numel() if",
                "grad_y / len(input) if",
                name="divided-by-the-batch-only",
                hint="By how many did the forward divide: by rows, or by elements?",
            ),
            edit(
                l1_loss_backward,
                'if reduction == "mean" else grad_y',
                "",
                name="every-reduction-a-mean",
                hint="Only one of the three reductions divides.",
            ),
            edit(
                l1_loss_backward,
                "grad_loss * torch.sign",
                "(grad_loss / grad_y) * torch.sign",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
)
