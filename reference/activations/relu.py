"""The rectified linear unit."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, edit, upstream

from ._shared import FAR, FLOAT32, KINK, PLAIN


def relu(x):
    """The rectified linear unit (Nair & Hinton 2010): y = max(0, x).

    Args:
        x: of any shape.

    Returns:
        y, of the shape of x.
    """
    return torch.where(x > 0, x, 0.0)


def relu_backward(grad_y, x):
    """The gradient of `relu`: grad_y passes where x > 0 and stops where x < 0.

    At x = 0 every derivative in [0, 1] is right; PyTorch takes 0.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x: what the forward received.

    Returns:
        grad_x, of the shape of x.
    """
    return torch.where(x > 0, grad_y, 0.0)


EXERCISES = (
    Exercise(
        functions=(relu, relu_backward),
        forbidden=("relu", "threshold"),
        checks=(
            values(relu, (*PLAIN, *FAR), points={"y": 3}, name="values"),
            precision(relu, FLOAT32, points={"y": 1}, name="float32"),
            gradients(
                relu_backward,
                upstream(relu, relu_backward, (*PLAIN, *FAR)),
                points={"grad_x": 2.75},
                name="backward",
            ),
            gradients(
                relu_backward,
                upstream(relu, relu_backward, KINK),
                points={"grad_x": 1.25},
                name="backward at zero",
            ),
            precision(
                relu_backward,
                upstream(relu, relu_backward, FLOAT32),
                points={"grad_x": 1},
                name="backward in float32",
            ),
        ),
        misconceptions=(
            edit(
                relu,
                "torch.where(x > 0, x, 0.0)",
                "x",
                name="identity",
                hint="What should come out for negative x?",
            ),
            edit(
                relu,
                "torch.where(x > 0, x, 0.0)",
                "x.abs()",
                name="absolute-value",
                hint="max(0, x) and |x| agree for positive x: what about -3?",
            ),
            edit(
                relu,
                "torch.where(x > 0, x, 0.0)",
                "torch.where(x > 0, 0.0, x)",
                name="negative-part",
                hint="Which side of zero passes through?",
            ),
            edit(
                relu,
                "torch.where(x > 0, x, 0.0)",
                "torch.where(x > 0, x, 0.01 * x)",
                name="leaky",
                hint="That is the leaky one: the plain ReLU lets nothing through on the left.",
            ),
            edit(
                relu,
                "torch.where(x > 0, x, 0.0)",
                "torch.clamp(x, 0, 1)",
                name="clipped-at-one",
                hint="What should come out for x = 3?",
            ),
            edit(
                relu,
                "x > 0, x, 0.0",
                "x > 1, x, 0.0",
                name="threshold-at-one",
                hint="Where does the kink sit?",
            ),
            edit(
                relu_backward,
                "torch.where(x > 0, grad_y, 0.0)",
                "torch.where(x > 0, torch.ones_like(grad_y), 0.0)",
                name="upstream-ignored",
                hint="The derivative of ReLU is the mask; the gradient is the mask times what?",
            ),
            edit(
                relu_backward,
                "torch.where(x > 0, grad_y, 0.0)",
                "torch.where(grad_y > 0, grad_y, 0.0)",
                name="mask-from-the-gradient",
                hint="Which number decided in the forward pass whether something came through?",
            ),
            edit(
                relu_backward,
                "torch.where(x > 0, grad_y, 0.0)",
                "torch.where((x > 0) & (grad_y > 0), grad_y, 0.0)",
                name="guided",
                hint="Negative gradients may pass: only the sign of x matters. (Cutting both is a "
                "picture-making trick, guided backpropagation.)",
            ),
            edit(
                relu_backward,
                "torch.where(x > 0, grad_y, 0.0)",
                "torch.where(x > 0, grad_y * x, 0.0)",
                name="value-for-derivative",
                hint="The slope of max(0, x) on the right: does it depend on x?",
            ),
            edit(
                relu_backward,
                "torch.where(x > 0, grad_y, 0.0)",
                "grad_y",
                name="gradient-passes-everywhere",
                hint="A unit that was off had no influence: what is its gradient?",
            ),
            edit(
                relu_backward,
                "torch.where(x > 0, grad_y, 0.0)",
                "torch.where(x > 0, 0.0, grad_y)",
                name="mask-inverted",
                hint="On which side of zero does the gradient pass?",
            ),
            edit(
                relu_backward,
                "torch.where(x > 0, grad_y, 0.0)",
                "grad_y * (x + x.abs()) / (2 * x)",
                name="zero-by-zero",
                hint="What does your formula give at x = 0 exactly? Such x are not rare: think of "
                "a ReLU after a ReLU.",
            ),
        ),
    ),
)
