"""The leaky rectified linear unit."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, edit, upstream

from ._shared import FAR, FLOAT32, KINK, PLAIN, _hidden


def leaky_relu(x, negative_slope=0.01):
    """A ReLU that cannot die (Maas et al. 2013): y = x where x > 0, else negative_slope * x.

    Args:
        x: of any shape.
        negative_slope: any finite number; also above 1 and below 0.

    Returns:
        y, of the shape of x.
    """
    return torch.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(grad_y, x, negative_slope=0.01):
    """The gradient of `leaky_relu`: 1 on the right, negative_slope on the left.

    At x = 0 every derivative between 1 and negative_slope is right; PyTorch takes the slope.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, negative_slope: what the forward received.

    Returns:
        grad_x, of the shape of x.
    """
    return torch.where(x > 0, grad_y, negative_slope * grad_y)


LEAKY = (
    *PLAIN,
    *FAR,
    *_hidden(PLAIN[:2], "slope 0.3", negative_slope=0.3),
    *_hidden(PLAIN[1:3], "slope 2", negative_slope=2.0),
    *_hidden(PLAIN[1:2], "slope -0.5", negative_slope=-0.5),
    *_hidden(PLAIN[1:2], "slope 0", negative_slope=0.0),
)

EXERCISES = (
    Exercise(
        functions=(leaky_relu, leaky_relu_backward),
        checks=(
            values(leaky_relu, LEAKY, points={"y": 3}, name="values"),
            precision(
                leaky_relu,
                (*FLOAT32, *_hidden(FLOAT32, "slope -2", negative_slope=-2.0)),
                points={"y": 1},
                name="float32",
            ),
            gradients(
                leaky_relu_backward,
                upstream(leaky_relu, leaky_relu_backward, LEAKY),
                points={"grad_x": 3},
                name="backward",
            ),
            gradients(
                leaky_relu_backward,
                upstream(
                    leaky_relu,
                    leaky_relu_backward,
                    (*KINK, *_hidden(KINK, "slope 2", negative_slope=2.0)),
                ),
                points={"grad_x": 1},
                name="backward at zero",
            ),
            precision(
                leaky_relu_backward,
                upstream(leaky_relu, leaky_relu_backward, FLOAT32),
                points={"grad_x": 1},
                name="backward in float32",
            ),
        ),
        misconceptions=(
            edit(
                leaky_relu,
                "torch.where(x > 0, x, negative_slope * x)",
                "torch.maximum(x, negative_slope * x)",
                name="maximum-of-the-two-lines",
                hint="max(x, a * x) picks the right line for slopes between 0 and 1. Draw both "
                "lines for a slope of 2.",
            ),
            edit(
                leaky_relu,
                "torch.where(x > 0, x, negative_slope * x)",
                "torch.where(x > 0, negative_slope * x, x)",
                name="slope-on-the-right",
                hint="Which side is the leaky one?",
            ),
            edit(
                leaky_relu,
                "torch.where(x > 0, x, negative_slope * x)",
                "torch.where(x > 0, x, 0.0)",
                name="not-leaky",
                hint="What comes out on the left? A unit that is off for every input should still "
                "learn.",
            ),
            edit(
                leaky_relu,
                "torch.where(x > 0, x, negative_slope * x)",
                "torch.where(x > 0, x, 0.01 * x)",
                name="slope-fixed",
                hint="Try another slope than the default one: does anything change?",
            ),
            edit(
                leaky_relu,
                "torch.where(x > 0, x, negative_slope * x)",
                "torch.where(x > 0, x, -negative_slope * x)",
                name="sign-of-the-slope",
                hint="For a positive slope the leaky side lies below zero: does yours?",
            ),
            edit(
                leaky_relu,
                "torch.where(x > 0, x, negative_slope * x)",
                "torch.where(x > 0, x, negative_slope)",
                name="constant-on-the-left",
                hint="The negative slope is a slope: what should it be multiplied with?",
            ),
            edit(
                leaky_relu,
                "torch.where(x > 0, x, negative_slope * x)",
                "torch.where(x > 0, x, x / negative_slope) if negative_slope else x.clamp(min=0)",
                name="divided-by-the-slope",
                hint="How steep is the left side, a or 1 / a?",
            ),
            edit(
                leaky_relu_backward,
                "torch.where(x > 0, grad_y, negative_slope * grad_y)",
                "torch.where(grad_y > 0, grad_y, negative_slope * grad_y)",
                name="mask-from-the-gradient",
                hint="Which number decided in the forward pass which side we are on?",
            ),
            edit(
                leaky_relu_backward,
                "torch.where(x > 0, grad_y, negative_slope * grad_y)",
                "torch.where(x > 0, torch.ones_like(grad_y), negative_slope)",
                name="upstream-ignored",
                hint="The chain rule multiplies two things: where does grad_y enter?",
            ),
            edit(
                leaky_relu_backward,
                "torch.where(x > 0, grad_y, negative_slope * grad_y)",
                "torch.where(x > 0, grad_y, 0.0)",
                name="gradient-of-relu",
                hint="The left side leaks forwards; does it backwards?",
            ),
            edit(
                leaky_relu_backward,
                "torch.where(x > 0, grad_y, negative_slope * grad_y)",
                "torch.where(x > 0, grad_y, negative_slope * x * grad_y)",
                name="value-for-derivative",
                hint="What is the derivative of a * x with respect to x?",
            ),
            edit(
                leaky_relu_backward,
                "torch.where(x > 0, grad_y, negative_slope * grad_y)",
                "torch.where(x > 0, grad_y, 0.01 * grad_y)",
                name="slope-fixed-in-backward",
                hint="Try another slope than the default one: does the gradient change?",
            ),
            edit(
                leaky_relu_backward,
                "torch.where(x > 0, grad_y, negative_slope * grad_y)",
                "torch.where(x > negative_slope * x, grad_y, negative_slope * grad_y)",
                name="side-from-the-larger-line",
                hint="For slopes above 1 the larger of the two lines is not the one you expect: "
                "let the sign of x decide.",
            ),
        ),
    ),
)
