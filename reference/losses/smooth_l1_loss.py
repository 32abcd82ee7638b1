"""Squared near by, absolute far out."""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import OTHER_SHAPES, _reduce, _refuse_other_shapes, _same_first


def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    """Squared error near by, absolute error far out (Girshick 2015, equation 3, with beta = 1).

    With the difference d of input and target,

        loss = 0.5 * d ** 2 / beta    where |d| < beta,
               |d| - 0.5 * beta       elsewhere,

    so that both value and slope are continuous at |d| = beta. It is the loss of Huber (1964)
    divided by beta. With beta = 0 nothing is quadratic and it is `l1_loss`, also where d = 0.

    Args:
        input: the prediction, of any shape.
        target: of the shape of input; ValueError otherwise, nothing is broadcast.
        reduction: "none"; "mean", over all elements; or "sum".
        beta: where the two pieces meet, at least 0; ValueError otherwise.

    Returns:
        the loss, of the shape of input for "none", else `()`.
    """
    _refuse_other_shapes(input, target)
    if beta < 0:
        raise ValueError(f"beta is {beta}, but must be at least 0")
    d = input - target
    near = d.abs() < beta  # nowhere for beta = 0, where the quadratic piece is no number
    loss = torch.where(near, 0.5 * d**2 / beta, d.abs() - 0.5 * beta)
    return _reduce(loss, reduction)


def smooth_l1_loss_backward(grad_y, input, target, reduction="mean", beta=1.0):
    """The gradient of `smooth_l1_loss`: with d the difference of input and target,

        d loss / d input = d / beta    where |d| < beta,
                           sign(d)     elsewhere.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction, beta: what the forward received; beta above 0.

    Returns:
        grad_input, of the shape of input.
    """
    d = input - target
    slope = torch.where(d.abs() < beta, d / beta, torch.sign(d))
    grad_loss = grad_y / input.numel() if reduction == "mean" else grad_y
    return grad_loss * slope


# Numbers on both sides of beta, and of both signs.
SMOOTH = (
    case("rows of four", public=True, input=normal(5, 4, std=1.5), target=normal(5, 4)),
    case("beta 0.5", public=True, input=normal(4, 6), target=normal(4, 6), beta=0.5),
    case("one row, beta 3", input=normal(15, std=4.0), target=normal(15), beta=3.0),
    case(
        "each element, transposed strides, beta 2",
        input=normal(4, 6, std=3.0).map(lambda t: t.T),
        target=normal(6, 4),
        reduction="none",
        beta=2.0,
    ),
    case(
        "sum over images, beta 0.7",
        input=normal(2, 3, 4, 5),
        target=normal(2, 3, 4, 5),
        reduction="sum",
        beta=0.7,
    ),
)
SMOOTH_FLOAT32 = (
    case("rows of four, beta 1.5", public=True, input=normal(5, 4), target=normal(5, 4), beta=1.5),
    case("each element", input=normal(3, 5), target=normal(3, 5), reduction="none"),
)
SMOOTH_ZERO = (
    case("beta 0", public=True, input=normal(5, 4), target=normal(5, 4), beta=0.0),
    case(
        "beta 0, some of them equal",
        input=_same_first(normal(3, 4), 3),
        target=_same_first(normal(3, 4), 3),
        reduction="none",
        beta=0.0,
    ),
)
SMOOTH_REFUSED = (
    *OTHER_SHAPES,
    case("negative beta", public=True, input=normal(5), target=normal(5), beta=-1.0),
    case("small negative beta", input=normal(3, 4), target=normal(3, 4), beta=-0.01),
)

EXERCISES = (
    Exercise(
        functions=(smooth_l1_loss, smooth_l1_loss_backward),
        checks=(
            values(smooth_l1_loss, SMOOTH, points={"loss": 2.75}, name="loss"),
            values(smooth_l1_loss, SMOOTH_ZERO, points={"loss": 1.25}, name="beta of zero"),
            precision(smooth_l1_loss, SMOOTH_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                smooth_l1_loss_backward,
                upstream(smooth_l1_loss, smooth_l1_loss_backward, SMOOTH),
                points={"grad_input": 3.5},
                name="backward",
            ),
            precision(
                smooth_l1_loss_backward,
                upstream(smooth_l1_loss, smooth_l1_loss_backward, SMOOTH_FLOAT32),
                points={"grad_input": 0.5},
                name="backward in float32",
            ),
            errors(smooth_l1_loss, SMOOTH_REFUSED, points=1),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                smooth_l1_loss,
                "d.abs() - 0.5 * beta",
                "d.abs() + 0.5 * beta",
                name="line-moved-up",
                hint="Put |d| = beta into both pieces: do they give the same?",
            ),
            edit(
                smooth_l1_loss,
                "d.abs() - 0.5 * beta",
                "d.abs()",
                name="line-not-moved",
                hint="Put |d| = beta into both pieces: do they give the same?",
            ),
            edit(
                smooth_l1_loss,
                "d.abs() - 0.5 * beta",
                "d.abs() - 0.5",
                name="line-moved-for-beta-one",
                hint="By how much the line has to move so that it meets the parabola depends on "
                "where they meet.",
            ),
            edit(
                smooth_l1_loss,
                "0.5 * d**2 / beta",
                "0.5 * d**2",
                name="parabola-not-scaled",
                hint="At |d| = beta the parabola has to be as steep as the line. How steep is "
                "yours for beta = 2?",
            ),
            edit(
                smooth_l1_loss,
                "0.5 * d**2 / beta",
                "d**2 / beta",
                name="half-forgotten",
                hint="At |d| = beta the parabola has to be as steep as the line: differentiate "
                "both.",
            ),
            edit(
                smooth_l1_loss,
                "d = input - target",
                "d, beta = input - target, 1.0",
                name="beta-ignored",
                hint="Try another beta than 1: does the loss change?",
            ),
            edit(
                smooth_l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, reduction) * (beta or 1)",
                name="huber-instead",
                hint="How steep is your line far out? Huber's loss and this one differ by a "
                "factor.",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d < beta",
                name="absolute-value-missing-in-the-condition",
                hint="Which piece does d = -10 belong to?",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d.abs() > beta",
                name="pieces-swapped",
                hint="Which of the two pieces is for small differences?",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d**2 < beta",
                name="square-in-the-condition",
                hint="beta is compared with a distance, not with its square.",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d.abs() <= beta",
                name="zero-over-zero",
                hint="For beta = 0 and input = target, which piece is chosen, and what is 0 / 0?",
            ),
            edit(
                smooth_l1_loss,
                "torch.where(near, 0.5 * d**2 / beta, d.abs() - 0.5 * beta)",
                "near * (0.5 * d**2 / beta) + ~near * (d.abs() - 0.5 * beta)",
                name="mask-times-infinity",
                hint="A mask of zeros does not remove an infinity: what is your quadratic piece "
                "for beta = 0?",
            ),
            edit(
                smooth_l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of elements? A mean does not.",
            ),
            edit(
                smooth_l1_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(input) if reduction == 'mean' else _reduce(loss, "
                "reduction)",
                name="mean-over-the-batch-only",
                hint="With four features per row there are four errors per row: by how many do "
                "you divide?",
            ),
            edit(
                smooth_l1_loss,
                "_refuse_other_shapes(input, target)",
                "pass",
                name="shapes-broadcast",
                hint="What is the shape of (5, 1) minus (5,)? See whether every number of it is an "
                "error that you meant.",
            ),
            edit(
                smooth_l1_loss,
                "if beta < 0:",
                "if False:",
                name="negative-beta-accepted",
                hint="What would a negative distance mean? Say so instead of computing something.",
            ),
            edit(
                smooth_l1_loss_backward,
                "beta, d / beta, ",
                "beta, d, ",
                name="beta-missing-in-backward",
                hint="Is your gradient continuous at |d| = beta, for another beta than 1?",
            ),
            edit(
                smooth_l1_loss_backward,
                "beta, d / beta, ",
                "beta, 2 * d / beta, ",
                name="half-missing-in-backward",
                hint="What becomes of the factor 0.5 when the square is differentiated?",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.where(d.abs() < beta, d / beta, torch.sign(d))",
                "torch.clamp(d, -beta, beta)",
                name="gradient-of-huber",
                hint="How steep is the line far out? Clipping d itself gives the gradient of "
                "another loss.",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.sign(d))",
                "1.0)",
                name="one-for-sign",
                hint="How steep is |d| on the left?",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.sign(d))",
                "d)",
                name="difference-for-sign",
                hint="How steep is |d| at d = 10, and how steep at d = 20?",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.where(d.abs() < beta",
                "torch.where(d < beta",
                name="absolute-value-missing-in-backward",
                hint="Which piece does d = -10 belong to?",
            ),
            edit(
                smooth_l1_loss_backward,
                "d = input - target",
                "d = target - input",
                name="sign-reversed",
                hint="When the prediction is too large and grows, does the loss grow or fall?",
            ),
            edit(
                smooth_l1_loss_backward,
                "grad_y / input.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of elements. Where is that in the gradient?",
            ),
            edit(
                smooth_l1_loss_backward,
                "return grad_loss * slope",
                "return (grad_loss / grad_y) * slope",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
)
