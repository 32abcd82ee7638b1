"""The Gaussian error linear unit."""

import math

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, case, edit, upstream

from ._shared import FLOAT32, PLAIN, _hidden


def gelu(x, approximate="none"):
    """The Gaussian error linear unit (Hendrycks & Gimpel 2016): x times the probability that a
    standard normal number is below x,

        y = x * Phi(x) = x / 2 * (1 + erf(x / sqrt(2))),

    or, with approximate="tanh", the same authors'

        y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))).

    Args:
        x: of any shape.
        approximate: "none" or "tanh".

    Returns:
        y, of the shape of x.
    """
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return 0.5 * x * (1 + torch.tanh(inner))
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def gelu_backward(grad_y, x, approximate="none"):
    """The gradient of `gelu`, by the product rule: with phi the standard normal density,

        dy/dx = Phi(x) + x * phi(x),    phi(x) = exp(-x ** 2 / 2) / sqrt(2 pi);

    for approximate="tanh" the derivative of that formula, not of the exact one.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, approximate: what the forward received.

    Returns:
        grad_x, of the shape of x.
    """
    if approximate == "tanh":
        t = torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
        inner_slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
        return grad_y * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner_slope)
    cdf = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    density = torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return grad_y * (cdf + x * density)


def _with(cases, **arguments):
    """The cases with further arguments."""
    return tuple(
        case(one.name, public=one.public, kinks=one.kinks, **{**one.arguments, **arguments})
        for one in cases
    )


GELU_TANH = _with(PLAIN, approximate="tanh")

EXERCISES = (
    Exercise(
        functions=(gelu, gelu_backward),
        checks=(
            values(gelu, PLAIN, points={"y": 2}, name="values"),
            values(gelu, GELU_TANH, points={"y": 1.5}, name="tanh approximation"),
            precision(
                gelu,
                (FLOAT32[0], *_hidden(FLOAT32[:1], "tanh", approximate="tanh")),
                points={"y": 1},
                name="float32",
            ),
            gradients(
                gelu_backward,
                upstream(gelu, gelu_backward, PLAIN),
                points={"grad_x": 2},
                name="backward",
            ),
            gradients(
                gelu_backward,
                upstream(gelu, gelu_backward, GELU_TANH),
                points={"grad_x": 1.5},
                name="backward of the tanh approximation",
            ),
            precision(
                gelu_backward,
                upstream(
                    gelu,
                    gelu_backward,
                    (FLOAT32[0], *_hidden(FLOAT32[:1], "tanh", approximate="tanh")),
                ),
                points={"grad_x": 1},
                name="backward in float32",
            ),
        ),
        misconceptions=(
            edit(
                gelu,
                "0.5 * x * (1 + torch.erf(x / math.sqrt(2)))",
                "gelu(x, 'tanh')",
                name="approximation-for-the-exact-one",
                hint="The tanh formula is within 5e-4 of the exact one, and was not asked for "
                "here.",
            ),
            edit(
                gelu,
                "0.5 * x * (1 + torch.erf(x / math.sqrt(2)))",
                "x / (1 + torch.exp(-1.702 * x))",
                name="sigmoid-approximation",
                hint="x * sigmoid(1.702 x) is a third formula, and the coarsest of them.",
            ),
            edit(
                gelu,
                'if approximate == "tanh":',
                "if False:",
                name="approximate-ignored",
                hint="Two formulas are asked for: which argument chooses between them?",
            ),
            edit(
                gelu,
                "torch.erf(x / math.sqrt(2))",
                "torch.erf(x)",
                name="root-two-missing",
                hint="erf is not the normal distribution: which scale lies between the two?",
            ),
            edit(
                gelu,
                "torch.erf(x / math.sqrt(2))",
                "torch.erf(x / 2)",
                name="two-for-root-two",
                hint="erf is not the normal distribution: which scale lies between the two?",
            ),
            edit(
                gelu,
                "return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))",
                "return 0.5 * (1 + torch.erf(x / math.sqrt(2)))",
                name="probability-only",
                hint="Phi(x) is a gate between 0 and 1: what does it multiply?",
            ),
            edit(
                gelu,
                "return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))",
                "return x * (1 + torch.erf(x / math.sqrt(2)))",
                name="half-missing",
                hint="For large x GELU is x: what does yours give for x = 10?",
            ),
            edit(
                gelu,
                "(x + 0.044715 * x**3)",
                "(x + 0.044715 * x**2)",
                name="square-for-cube",
                hint="The argument of tanh has to be an odd function of x.",
            ),
            edit(
                gelu,
                "math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)",
                "math.sqrt(2 / math.pi) * x + 0.044715 * x**3",
                name="bracket-around-the-cubic",
                hint="What does sqrt(2 / pi) multiply: x alone, or the whole bracket?",
            ),
            edit(
                gelu_backward,
                "return grad_y * (cdf + x * density)",
                "return grad_y * cdf",
                name="product-rule-forgotten",
                hint="Both factors of x * Phi(x) depend on x: how many terms has the derivative?",
            ),
            edit(
                gelu_backward,
                "return grad_y * (cdf + x * density)",
                "return grad_y * (cdf + density)",
                name="factor-x-missing",
                hint="By the product rule, x times the derivative of Phi.",
            ),
            edit(
                gelu_backward,
                "torch.exp(-(x**2) / 2)",
                "torch.exp(-(x**2))",
                name="density-exponent",
                hint="Look up the density of the standard normal distribution: exp of what?",
            ),
            edit(
                gelu_backward,
                "math.sqrt(2 * math.pi)",
                "math.sqrt(math.pi)",
                name="density-norm",
                hint="Does your density integrate to 1?",
            ),
            edit(
                gelu_backward,
                'if approximate == "tanh":',
                "if False:",
                name="exact-derivative-for-the-approximation",
                hint="The derivative has to belong to the formula that the forward used.",
            ),
            edit(
                gelu_backward,
                "(1 + 3 * 0.044715 * x**2)",
                "1",
                name="inner-derivative-of-the-cubic",
                hint="Differentiate the argument of tanh as well, all of it.",
            ),
            edit(
                gelu_backward,
                "0.5 * x * (1 - t**2)",
                "0.5 * x * (1 - t)",
                name="square-of-tanh-forgotten",
                hint="What is the derivative of tanh in terms of its value?",
            ),
            edit(
                gelu_backward,
                "return grad_y * (cdf + x * density)",
                "return cdf + x * density",
                name="upstream-ignored",
                hint="The chain rule multiplies two things: where does grad_y enter?",
            ),
        ),
    ),
)
