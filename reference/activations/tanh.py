"""The hyperbolic tangent."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, edit, upstream

from ._shared import FLOAT32, LARGE, PLAIN, SMALL


def tanh(x):
    """The hyperbolic tangent, from all numbers to (-1, 1); zero-centred, unlike `sigmoid`:

        y = (exp(x) - exp(-x)) / (exp(x) + exp(-x)) = 2 * sigmoid(2 * x) - 1.

    Right for any finite x, however large, and exact to rounding for x near 0, where y is about x.

    Args:
        x: of any shape.

    Returns:
        y, of the shape of x.
    """
    e = torch.expm1(-2 * x.abs())  # exp(-2 |x|) - 1, in (-1, 0]: no overflow, no cancellation
    return torch.sign(x) * -e / (e + 2)


def tanh_backward(grad_y, x):
    """The gradient of `tanh`, with dy/dx = 1 - y ** 2; at most 1, and 1 only at 0.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x: what the forward received.

    Returns:
        grad_x, of the shape of x; finite for any finite x.
    """
    e = torch.exp(-2 * x.abs())
    return grad_y * 4 * e / (1 + e) ** 2


def _tanh_backward_by_y(grad_y, x):
    """The same in terms of the output, as it is mostly written."""
    y = tanh(x)
    return grad_y * (1 - y**2)


EXERCISES = (
    Exercise(
        ways=((tanh_backward, _tanh_backward_by_y),),
        functions=(tanh, tanh_backward),
        checks=(
            values(tanh, PLAIN, points={"y": 1.5}, name="values"),
            values(tanh, LARGE, points={"y": 1}, name="large x"),
            values(tanh, SMALL, points={"y": 1.25}, name="small x"),
            precision(tanh, FLOAT32, points={"y": 0.75}, name="float32"),
            gradients(
                tanh_backward,
                upstream(tanh, tanh_backward, PLAIN),
                points={"grad_x": 2.5},
                name="backward",
            ),
            gradients(
                tanh_backward,
                upstream(tanh, tanh_backward, LARGE),
                points={"grad_x": 1},
                name="backward, large x",
            ),
            precision(
                tanh_backward,
                upstream(tanh, tanh_backward, FLOAT32),
                points={"grad_x": 1},
                name="backward in float32",
            ),
        ),
        misconceptions=(
            edit(
                tanh,
                "torch.sign(x) * -e / (e + 2)",
                "(torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))",
                name="exponentials-overflow",
                hint="For x = 1000 both exp(x) are infinite. Can numerator and denominator be "
                "divided by something first?",
            ),
            edit(
                tanh,
                "torch.sign(x) * -e / (e + 2)",
                "-e / (e + 2)",
                name="sign-lost",
                hint="tanh is an odd function: what should tanh(-x) be?",
            ),
            edit(
                tanh,
                "torch.expm1(-2 * x.abs())",
                "torch.expm1(-x.abs())",
                name="half-the-argument",
                hint="Dividing by exp(x) leaves exp of which multiple of x?",
            ),
            edit(
                tanh,
                "torch.sign(x) * -e / (e + 2)",
                "1 / (1 + torch.exp(-2 * x))",
                name="sigmoid-not-rescaled",
                hint="tanh runs from -1 to 1: from where to where does yours?",
            ),
            edit(
                tanh,
                "torch.sign(x) * -e / (e + 2)",
                "torch.clamp(x, -1, 1)",
                name="hard-tanh",
                hint="That is the straight-line imitation of tanh: try x = 0.7.",
            ),
            edit(
                tanh,
                "torch.expm1(-2 * x.abs())",
                "torch.exp(-2 * x.abs()) - 1",
                name="cancels-near-zero",
                hint="For x = 1e-6 two numbers near 1 are subtracted: how many digits are left? "
                "torch has a function for exp(x) - 1.",
            ),
            edit(
                tanh_backward,
                "grad_y * 4 * e / (1 + e) ** 2",
                "grad_y * (1 - x**2)",
                name="input-for-output",
                hint="1 - y ** 2 is written in terms of the output: what do you put in for y?",
            ),
            edit(
                tanh_backward,
                "grad_y * 4 * e / (1 + e) ** 2",
                "4 * e / (1 + e) ** 2",
                name="upstream-ignored",
                hint="The chain rule multiplies two things: where does grad_y enter?",
            ),
            edit(
                tanh_backward,
                "grad_y * 4 * e / (1 + e) ** 2",
                "grad_y * e / (1 + e) ** 2",
                name="factor-four-missing",
                hint="The derivative of tanh at 0 is 1: what is yours? 2 * sigmoid(2x) - 1 has "
                "two inner factors.",
            ),
            edit(
                tanh_backward,
                "grad_y * 4 * e / (1 + e) ** 2",
                "grad_y * (1 - torch.tanh(x))",
                name="square-forgotten",
                hint="Is your derivative the same for x and -x? That of an odd function is.",
            ),
            edit(
                tanh_backward,
                "grad_y * 4 * e / (1 + e) ** 2",
                "grad_y * torch.tanh(x) * (1 - torch.tanh(x))",
                name="derivative-of-sigmoid",
                hint="y * (1 - y) belongs to another function, the one from 0 to 1.",
            ),
            edit(
                tanh_backward,
                "grad_y * 4 * e / (1 + e) ** 2",
                "grad_y * (1 - ((torch.exp(2 * x) - 1) / (torch.exp(2 * x) + 1)) ** 2)",
                name="backward-overflows",
                hint="The gradient has to be finite for any finite x: which term of yours becomes "
                "infinite?",
            ),
        ),
    ),
)
