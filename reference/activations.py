"""Activations: the non-linearities, their derivatives, and how both keep to finite numbers.

Every function works element by element on tensors of any shape. Each backward is the upstream
gradient times the derivative at x.
"""

import math

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream


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


def _mixed(*shape, std=2.0):
    """Numbers of both signs, none within 0.01 of zero: no kink is near."""
    return normal(*shape, std=std).map(lambda t: t + 0.01 * torch.sign(t))


def _set_to(recipe, *special):
    """The recipe's numbers, the first of them replaced by special ones."""

    def put(tensor):
        flat = tensor.flatten()
        flat[: len(special)] = torch.tensor(special, dtype=tensor.dtype)
        return flat.view(tensor.shape)

    return recipe.map(put)


PLAIN = (
    case("images", public=True, x=_mixed(2, 3, 4, 5)),
    case("one row", x=_mixed(11, std=1.0)),
    case("transposed strides", x=_mixed(5, 4, 3).map(lambda t: t.transpose(0, 2))),
    case("one number for all", x=_mixed(1, 3).map(lambda t: t.expand(4, 3))),
)
# Half of them moderate: where all derivatives vanish, nothing can be asked but zero.
_MODERATE = (0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 1.0, -1.5)
LARGE = (
    case("tens", public=True, x=_set_to(_mixed(4, 6, std=30.0), *_MODERATE, 100.0, -100.0, -40.0)),
    case("hundreds", x=_set_to(_mixed(4, 5, std=500.0), *_MODERATE, 800.0, -800.0, 1e4, -1e4)),
    case("greatest", x=_set_to(_mixed(4, 4), *_MODERATE, 1e30, -1e30, 3e38, -3e38)),
)
FLOAT32 = (
    case("images", public=True, x=_mixed(2, 3, 4, 5)),
    case(
        "hundreds",
        x=_set_to(_mixed(4, 5, std=40.0), *_MODERATE, 89.0, -89.0, 104.0, -104.0, 1e4, -1e4),
    ),
)
SMALL = (
    case("millionths", public=True, x=_mixed(20).map(lambda t: t * 1e-6)),
    case("tiny numbers of both signs", x=normal(4, 6).map(lambda t: t * 1e-9)),
    case("hundredths", x=normal(4, 6, std=0.03)),  # not small enough for y = x
)
KINK = (
    case(
        "zero",
        public=True,
        kinks=("x",),
        x=_set_to(_mixed(3, 4), 0.0, -0.0, 0.0),
    ),
)


def _with(cases, **arguments):
    """The cases with further arguments."""
    return tuple(
        case(one.name, public=one.public, kinks=one.kinks, **{**one.arguments, **arguments})
        for one in cases
    )


def _hidden(cases, prefix, **arguments):
    """The cases once more, all of them hidden, with further arguments."""
    return tuple(
        case(f"{prefix}: {one.name}", kinks=one.kinks, **{**one.arguments, **arguments})
        for one in cases
    )


LEAKY = (
    *PLAIN,
    *_hidden(PLAIN[:2], "slope 0.3", negative_slope=0.3),
    *_hidden(PLAIN[1:3], "slope 2", negative_slope=2.0),
    *_hidden(PLAIN[1:2], "slope -0.5", negative_slope=-0.5),
    *_hidden(PLAIN[1:2], "slope 0", negative_slope=0.0),
)
ELU = (
    *PLAIN,
    *_hidden(PLAIN[:2], "alpha 0.4", alpha=0.4),
    *_hidden(PLAIN[1:3], "alpha 3", alpha=3.0),
)
GELU_TANH = _with(PLAIN, approximate="tanh")

EXERCISES = (
    Exercise(
        functions=(sigmoid, sigmoid_backward),
        forbidden=("sigmoid", "special_expit"),
        checks=(
            values(sigmoid, PLAIN, points={"y": 2.5}, name="values"),
            values(sigmoid, LARGE, points={"y": 1}, name="large x"),
            precision(sigmoid, FLOAT32, points={"y": 1}, name="float32"),
            gradients(
                sigmoid_backward,
                upstream(sigmoid, sigmoid_backward, PLAIN),
                points={"grad_x": 2.5},
                name="backward",
            ),
            gradients(
                sigmoid_backward,
                upstream(sigmoid, sigmoid_backward, LARGE),
                points={"grad_x": 1},
                name="backward, large x",
            ),
            precision(
                sigmoid_backward,
                upstream(sigmoid, sigmoid_backward, FLOAT32),
                points={"grad_x": 1},
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
    Exercise(
        functions=(tanh, tanh_backward),
        checks=(
            values(tanh, PLAIN, points={"y": 2}, name="values"),
            values(tanh, LARGE, points={"y": 1}, name="large x"),
            values(tanh, SMALL, points={"y": 0.5}, name="small x"),
            precision(tanh, FLOAT32, points={"y": 1}, name="float32"),
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
    Exercise(
        functions=(relu, relu_backward),
        forbidden=("relu", "threshold"),
        checks=(
            values(relu, PLAIN, points={"y": 3}, name="values"),
            precision(relu, FLOAT32, points={"y": 1}, name="float32"),
            gradients(
                relu_backward,
                upstream(relu, relu_backward, PLAIN),
                points={"grad_x": 3},
                name="backward",
            ),
            gradients(
                relu_backward,
                upstream(relu, relu_backward, KINK),
                points={"grad_x": 1},
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
                points={"grad_x": 2.5},
                name="backward",
            ),
            gradients(
                elu_backward,
                upstream(elu, elu_backward, LARGE),
                points={"grad_x": 0.5},
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
