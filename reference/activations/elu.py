"""The exponential linear unit."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, edit, upstream

from ._shared import FLOAT32, KINK, LARGE, PLAIN, SMALL, _hidden


def elu(x, alpha=1.0):
    """The exponential linear unit (Clevert et al. 2016, equation 16):

        y = x where x > 0, else alpha * (exp(x) - 1).

    Finite for any finite x, and exact to rounding for small negative x, where exp(x) - 1 is
    about x and the difference of two numbers near 1 would lose most digits.

    Args:
        x: of any shape.
        alpha: minus the limit for x to minus infinity; at least 0.

    Returns:
        y, of the shape of x.
    """
    negative = torch.clamp(x, max=0)  # exp of large x would overflow, and is not needed
    return torch.where(x > 0, x, alpha * torch.expm1(negative))


def elu_backward(grad_y, x, alpha=1.0):
    """The gradient of `elu`: 1 on the right, alpha * exp(x) on the left.

    At x = 0 every derivative between 1 and alpha is right; PyTorch takes alpha. Finite for any
    finite x.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, alpha: what the forward received.

    Returns:
        grad_x, of the shape of x.
    """
    negative = torch.clamp(x, max=0)
    slope = torch.where(x > 0, 1.0, alpha * torch.exp(negative))
    return grad_y * slope


ELU = (
    *PLAIN,
    *_hidden(PLAIN[:2], "alpha 0.4", alpha=0.4),
    *_hidden(PLAIN[1:3], "alpha 3", alpha=3.0),
)

EXERCISES = (
    Exercise(
        functions=(elu, elu_backward),
        checks=(
            values(elu, ELU, points={"y": 2.5}, name="values"),
            values(elu, LARGE, points={"y": 0.5}, name="large x"),
            values(elu, SMALL, points={"y": 1}, name="small x"),
            precision(elu, (*FLOAT32, *SMALL[1:2]), points={"y": 0.5}, name="float32"),
            gradients(
                elu_backward,
                upstream(elu, elu_backward, ELU),
                points={"grad_x": 2.25},
                name="backward",
            ),
            gradients(
                elu_backward,
                upstream(elu, elu_backward, LARGE),
                points={"grad_x": 0.75},
                name="backward, large x",
            ),
            gradients(
                elu_backward,
                upstream(elu, elu_backward, (*KINK, *_hidden(KINK, "alpha 2", alpha=2.0))),
                points={"grad_x": 1},
                name="backward at zero",
            ),
            precision(
                elu_backward,
                upstream(elu, elu_backward, FLOAT32),
                points={"grad_x": 0.5},
                name="backward in float32",
            ),
        ),
        misconceptions=(
            edit(
                elu,
                "alpha * torch.expm1(negative)",
                "alpha * torch.exp(negative)",
                name="minus-one-forgotten",
                hint="Do the two sides of your function meet at x = 0?",
            ),
            edit(
                elu,
                "alpha * torch.expm1(negative)",
                "alpha * torch.exp(negative) - 1",
                name="alpha-on-the-exponential-only",
                hint="For alpha = 1 it is right. For which alpha do the two sides meet at 0?",
            ),
            edit(
                elu,
                "alpha * torch.expm1(negative)",
                "alpha * (torch.exp(negative) - 1)",
                name="cancels-near-zero",
                hint="For x = -1e-6 two numbers near 1 are subtracted: how many digits are left? "
                "torch has a function for exp(x) - 1.",
            ),
            edit(
                elu,
                "alpha * torch.expm1(negative)",
                "torch.expm1(negative)",
                name="alpha-ignored",
                hint="Try another alpha than 1: does anything change?",
            ),
            edit(
                elu,
                "torch.where(x > 0, x, alpha * torch.expm1(negative))",
                "(x > 0) * x + (x <= 0) * alpha * torch.expm1(x)",
                name="zero-times-infinity",
                hint="A mask of zeros does not remove an infinity: what is 0 * exp(1000)?",
            ),
            edit(
                elu,
                "alpha * torch.expm1(negative)",
                "torch.expm1(alpha * negative)",
                name="alpha-in-the-exponent",
                hint="To which value does your function fall for very negative x? It should be "
                "-alpha.",
            ),
            edit(
                elu,
                "torch.where(x > 0, x, alpha * torch.expm1(negative))",
                "torch.where(x > 0, alpha * x, alpha * torch.expm1(negative))",
                name="alpha-on-both-sides",
                hint="What is the slope on the right?",
            ),
            edit(
                elu,
                "torch.where(x > 0, x, alpha * torch.expm1(negative))",
                "1.0507 * torch.where(x > 0, x, alpha * torch.expm1(negative))",
                name="scaled-like-selu",
                hint="The scale belongs to SELU; the ELU has slope 1 on the right.",
            ),
            edit(
                elu_backward,
                "alpha * torch.exp(negative)",
                "alpha * torch.expm1(negative)",
                name="value-for-derivative",
                hint="The derivative of exp(x) - 1 is not itself: what happens to the constant?",
            ),
            edit(
                elu_backward,
                "alpha * torch.exp(negative)",
                "torch.exp(negative)",
                name="alpha-missing-in-backward",
                hint="What becomes of a constant factor in a derivative?",
            ),
            edit(
                elu_backward,
                "alpha * torch.exp(negative)",
                "alpha * negative",
                name="input-for-exponential",
                hint="What is the derivative of alpha * (exp(x) - 1)?",
            ),
            edit(
                elu_backward,
                "return grad_y * slope",
                "return slope",
                name="upstream-ignored",
                hint="The chain rule multiplies two things: where does grad_y enter?",
            ),
            edit(
                elu_backward,
                "torch.where(x > 0, 1.0, alpha * torch.exp(negative))",
                "torch.where(x > 0, x, alpha * torch.exp(negative))",
                name="value-for-slope-on-the-right",
                hint="What is the slope of y = x?",
            ),
            edit(
                elu_backward,
                "return grad_y * slope",
                "return (x > 0) * grad_y + (x <= 0) * grad_y * alpha * torch.exp(x)",
                name="zero-times-infinity-in-backward",
                hint="A mask of zeros does not remove an infinity: what is 0 * exp(1000)?",
            ),
        ),
    ),
)
