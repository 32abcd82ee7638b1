"""The squared error."""

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import DIFFERENCES, DIFFERENCES_FLOAT32, OTHER_SHAPES, _reduce, _refuse_other_shapes


def mse_loss(input, target, reduction="mean"):
    """The squared error (Hastie, Tibshirani & Friedman 2009, section 10.6), element by element:

        loss = (input - target) ** 2.

    The mean carries no factor 1/2, unlike in many books. Input and target may be large and near
    each other: subtract first, and no digits are lost.

    Args:
        input: the prediction, of any shape.
        target: of the shape of input; ValueError otherwise, nothing is broadcast.
        reduction: "none"; "mean", over all elements; or "sum".

    Returns:
        the loss, of the shape of input for "none", else `()`.
    """
    _refuse_other_shapes(input, target)
    d = input - target
    loss = d**2
    return _reduce(loss, reduction)


def mse_loss_backward(grad_y, input, target, reduction="mean"):
    """The gradient of `mse_loss`: in proportion to the difference, so outliers pull hardest.

        d loss / d input = 2 * (input - target).

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction: what the forward received.

    Returns:
        grad_input, of the shape of input.
    """
    grad_loss = grad_y / input.numel() if reduction == "mean" else grad_y
    return grad_loss * 2 * (input - target)


FAR_FROM_ZERO = (
    case(
        "both about 10000",
        public=True,
        input=normal(4, 5, mean=1e4),
        target=normal(4, 5, mean=1e4),
        reduction="none",
    ),
    case(
        "both about -100000",
        input=normal(20, mean=-1e5),
        target=normal(20, mean=-1e5),
        reduction="none",
    ),
)

EXERCISES = (
    Exercise(
        functions=(mse_loss, mse_loss_backward),
        checks=(
            values(mse_loss, DIFFERENCES, points={"loss": 2.5}, name="loss"),
            precision(mse_loss, DIFFERENCES_FLOAT32, points={"loss": 0.5}, name="float32"),
            precision(mse_loss, FAR_FROM_ZERO, points={"loss": 1}, name="large numbers in float32"),
            gradients(
                mse_loss_backward,
                upstream(mse_loss, mse_loss_backward, DIFFERENCES),
                points={"grad_input": 3.5},
                name="backward",
            ),
            precision(
                mse_loss_backward,
                upstream(mse_loss, mse_loss_backward, DIFFERENCES_FLOAT32),
                points={"grad_input": 0.5},
                name="backward in float32",
            ),
            errors(mse_loss, OTHER_SHAPES, points=1),
        ),
        misconceptions=(
            edit(
                mse_loss,
                "loss = d**2",
                "loss = 0.5 * d**2",
                name="half-of-the-square",
                hint="Books put a factor before the square to make the derivative neat. Does the "
                "formula that was asked for have one?",
            ),
            edit(
                mse_loss,
                "loss = d**2",
                "loss = d.abs()",
                name="absolute-value-for-square",
                hint="A difference of 10 should cost a hundred times as much as one of 1.",
            ),
            edit(
                mse_loss,
                "loss = d**2",
                "loss = input**2 - target**2",
                name="difference-of-squares",
                hint="How wrong is 1 where -1 was wanted? The order of the two operations matters.",
            ),
            edit(
                mse_loss,
                "loss = d**2",
                "loss = input**2 - 2 * input * target + target**2",
                name="square-expanded",
                hint="In float32, what is left of 10001 ** 2 - 2 * 10001 * 10000 + 10000 ** 2? "
                "Compare the sizes of the terms with that of their sum.",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(d, reduction) ** 2",
                name="square-after-the-reduction",
                hint="Errors of +1 and -1 must not cancel: what comes first, the sum or the "
                "square?",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, reduction) ** 0.5",
                name="root-of-the-mean",
                hint="That has the unit of the target, and another name.",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of elements? A mean does not.",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(input) if reduction == 'mean' else _reduce(loss, "
                "reduction)",
                name="mean-over-the-batch-only",
                hint="With four features per row there are four errors per row: by how many do "
                "you divide?",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return loss.mean()",
                name="reduction-ignored",
                hint="What shape should the result have with reduction='none'?",
            ),
            edit(
                mse_loss,
                "_refuse_other_shapes(input, target)",
                "pass",
                name="shapes-broadcast",
                hint="What is the shape of (5, 1) minus (5,)? See whether every number of it is an "
                "error that you meant.",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * (input - target)",
                name="two-missing",
                hint="Differentiate the square: is there something in the forward that would "
                "cancel its exponent?",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * 2 * (target - input)",
                name="sign-reversed",
                hint="When the prediction is too large and grows, does the loss grow or fall?",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * 2 * (input - target) ** 2",
                name="exponent-not-lowered",
                hint="Is your gradient negative anywhere? It should be where the prediction is "
                "too small.",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * 2 * torch.sign(input - target)",
                name="sign-for-difference",
                hint="Near the target the slope of a square gets small. Does yours?",
            ),
            edit(
                mse_loss_backward,
                "grad_y / input.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of elements. Where is that in the gradient?",
            ),
            edit(
                mse_loss_backward,
                "grad_y / input.numel() if",
                "grad_y / len(input) if",
                name="divided-by-the-batch-only",
                hint="By how many did the forward divide: by rows, or by elements?",
            ),
            edit(
                mse_loss_backward,
                'if reduction == "mean" else grad_y',
                "",
                name="every-reduction-a-mean",
                hint="Only one of the three reductions divides.",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2",
                "(grad_loss / grad_y) * 2",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
)
