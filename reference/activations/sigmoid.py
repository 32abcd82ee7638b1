"""The logistic function."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, edit, upstream

from ._shared import FLOAT32, LARGE, PLAIN


def sigmoid(x):
    """The logistic function, from all numbers to (0, 1):

        y = 1 / (1 + exp(-x)).

    Written so that exp never overflows, it is right for any finite x:
    for x < 0 the same is exp(x) / (1 + exp(x)).

    Args:
        x: of any shape.

    Returns:
        y, of the shape of x.
    """
    e = torch.exp(-x.abs())  # in (0, 1]: never overflows
    return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_backward(grad_y, x):
    """The gradient of `sigmoid`, with dy/dx = y * (1 - y); at most 1/4, which is why deep sigmoid
    networks lose their gradients.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x: what the forward received.

    Returns:
        grad_x, of the shape of x; finite for any finite x.
    """
    e = torch.exp(-x.abs())
    return grad_y * e / (1 + e) ** 2  # y * (1 - y), which is the same for x and -x


def _sigmoid_backward_by_y(grad_y, x):
    """The same in terms of the output, as it is mostly written."""
    y = sigmoid(x)
    return grad_y * y * (1 - y)


EXERCISES = (
    Exercise(
        ways=((sigmoid_backward, _sigmoid_backward_by_y),),
        functions=(sigmoid, sigmoid_backward),
        forbidden=("sigmoid", "special_expit"),
        checks=(
            values(sigmoid, PLAIN, points={"y": 2.5}, name="values"),
            values(sigmoid, LARGE, points={"y": 1.25}, name="large x"),
            precision(sigmoid, FLOAT32, points={"y": 0.75}, name="float32"),
            gradients(
                sigmoid_backward,
                upstream(sigmoid, sigmoid_backward, PLAIN),
                points={"grad_x": 2.5},
                name="backward",
            ),
            gradients(
                sigmoid_backward,
                upstream(sigmoid, sigmoid_backward, LARGE),
                points={"grad_x": 1.25},
                name="backward, large x",
            ),
            precision(
                sigmoid_backward,
                upstream(sigmoid, sigmoid_backward, FLOAT32),
                points={"grad_x": 0.75},
                name="backward in float32",
            ),
        ),
        misconceptions=(
            edit(
                sigmoid,
                "1 / (1 + e), e / (1 + e))",
                "1 / (1 + torch.exp(-x)), torch.exp(x) / (1 + torch.exp(x)) + 0 * torch.exp(-x))",
                name="overflow-hidden-by-where",
                hint="torch.where works out both sides for every element: is each of them finite "
                "everywhere?",
            ),
            edit(
                sigmoid,
                "torch.where(x >= 0, 1 / (1 + e), e / (1 + e))",
                "torch.exp(x) / (1 + torch.exp(x))",
                name="exponential-overflows",
                hint="Work out exp(x) for x = 1000 by hand: what is infinity divided by infinity?",
            ),
            edit(
                sigmoid,
                "torch.where(x >= 0, 1 / (1 + e), e / (1 + e))",
                "1 / (1 + e)",
                name="negative-side-mirrored",
                hint="sigmoid(-2) and sigmoid(2) are different: what does your function give for "
                "them?",
            ),
            edit(
                sigmoid,
                "torch.where(x >= 0, 1 / (1 + e), e / (1 + e))",
                "torch.where(x >= 0, e / (1 + e), 1 / (1 + e))",
                name="falls-instead-of-rising",
                hint="What should sigmoid give for very large x, 0 or 1? Look at the sign in the "
                "exponent.",
            ),
            edit(
                sigmoid,
                "torch.where(x >= 0, 1 / (1 + e), e / (1 + e))",
                "torch.tanh(x)",
                name="tanh-instead",
                hint="The logistic function lies between 0 and 1. Between which numbers does "
                "yours?",
            ),
            edit(
                sigmoid,
                "torch.where(x >= 0, 1 / (1 + e), e / (1 + e))",
                "torch.where(x >= 0, 1 / (1 + e), e / (1 + e)).clamp(1e-7, 1 - 1e-7)",
                name="clipped",
                hint="Clipping keeps a logarithm finite somewhere else; here it makes the values "
                "wrong.",
            ),
            edit(
                sigmoid,
                "torch.where(x >= 0, 1 / (1 + e), e / (1 + e))",
                "torch.clamp(0.2 * x + 0.5, 0, 1)",
                name="hard-sigmoid",
                hint="Three straight lines are an approximation that some libraries call hard "
                "sigmoid.",
            ),
            edit(
                sigmoid_backward,
                "grad_y * e / (1 + e) ** 2",
                "grad_y * x * (1 - x)",
                name="input-for-output",
                hint="y * (1 - y) is written in terms of the output: what do you put in for y?",
            ),
            edit(
                sigmoid_backward,
                "grad_y * e / (1 + e) ** 2",
                "e / (1 + e) ** 2",
                name="upstream-ignored",
                hint="The chain rule multiplies two things: where does grad_y enter?",
            ),
            edit(
                sigmoid_backward,
                "grad_y * e / (1 + e) ** 2",
                "grad_y / (1 + e)",
                name="value-for-derivative",
                hint="Is that the derivative, or the function itself? A derivative is small where "
                "the curve is flat.",
            ),
            edit(
                sigmoid_backward,
                "grad_y * e / (1 + e) ** 2",
                "grad_y * (1 - 1 / (1 + e))",
                name="factor-y-missing",
                hint="The derivative at 0 is 1/4: what is yours?",
            ),
            edit(
                sigmoid_backward,
                "grad_y * e / (1 + e) ** 2",
                "grad_y * (1 - (1 / (1 + e)) ** 2)",
                name="derivative-of-tanh",
                hint="1 - y ** 2 belongs to another function, the one from -1 to 1.",
            ),
            edit(
                sigmoid_backward,
                "grad_y * e / (1 + e) ** 2",
                "grad_y * torch.exp(x) / (1 + torch.exp(x)) ** 2",
                name="backward-overflows",
                hint="For large x your numerator and denominator are both infinite: can the same "
                "number be had from a small exponential?",
            ),
        ),
    ),
)
