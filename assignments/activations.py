"""Activations: the non-linearities, their derivatives, and how both keep to finite numbers.

Every function works element by element on tensors of any shape. Each backward is the upstream
gradient times the derivative at x: a formula, no autograd and no numeric derivative.
"""

import torch


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
    raise NotImplementedError("sigmoid")


def sigmoid_backward(grad_y, x):
    """The gradient of `sigmoid`, with dy/dx = y * (1 - y); at most 1/4, which is why deep sigmoid
    networks lose their gradients.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x: what the forward received.

    Returns:
        grad_x, of the shape of x; finite for any finite x.
    """
    raise NotImplementedError("sigmoid_backward")


def tanh(x):
    """The hyperbolic tangent, from all numbers to (-1, 1); zero-centred, unlike `sigmoid`:

        y = (exp(x) - exp(-x)) / (exp(x) + exp(-x)) = 2 * sigmoid(2 * x) - 1.

    Right for any finite x, however large, and exact to rounding for x near 0, where y is about x.

    Args:
        x: of any shape.

    Returns:
        y, of the shape of x.
    """
    raise NotImplementedError("tanh")


def tanh_backward(grad_y, x):
    """The gradient of `tanh`, with dy/dx = 1 - y ** 2; at most 1, and 1 only at 0.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x: what the forward received.

    Returns:
        grad_x, of the shape of x; finite for any finite x.
    """
    raise NotImplementedError("tanh_backward")


def relu(x):
    """The rectified linear unit (Nair & Hinton 2010): y = max(0, x).

    Args:
        x: of any shape.

    Returns:
        y, of the shape of x.
    """
    raise NotImplementedError("relu")


def relu_backward(grad_y, x):
    """The gradient of `relu`: grad_y passes where x > 0 and stops where x < 0.

    At x = 0 every derivative in [0, 1] is right; PyTorch takes 0.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x: what the forward received.

    Returns:
        grad_x, of the shape of x.
    """
    raise NotImplementedError("relu_backward")


def leaky_relu(x, negative_slope=0.01):
    """A ReLU that cannot die (Maas et al. 2013): y = x where x > 0, else negative_slope * x.

    Args:
        x: of any shape.
        negative_slope: any finite number; also above 1 and below 0.

    Returns:
        y, of the shape of x.
    """
    raise NotImplementedError("leaky_relu")


def leaky_relu_backward(grad_y, x, negative_slope=0.01):
    """The gradient of `leaky_relu`: 1 on the right, negative_slope on the left.

    At x = 0 every derivative between 1 and negative_slope is right; PyTorch takes the slope.

    Args:
        grad_y: the gradient with respect to y, of the shape of x.
        x, negative_slope: what the forward received.

    Returns:
        grad_x, of the shape of x.
    """
    raise NotImplementedError("leaky_relu_backward")


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
    raise NotImplementedError("elu")


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
    raise NotImplementedError("elu_backward")


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
    raise NotImplementedError("gelu")


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
    raise NotImplementedError("gelu_backward")
